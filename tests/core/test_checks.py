"""Mistakes in the installation are told at start."""

import pytest
from django.core.checks import run_checks
from django.db import connection, models
from django.test.utils import isolate_apps

from apps.core import checks
from apps.core.checks import check_foreign_keys, check_secrets


def test_checks__this_installation__has_no_problems(db):
    assert [str(problem) for problem in run_checks() if problem.id and problem.id.startswith("core.")] == []


@pytest.mark.parametrize(
    ("signing", "master", "ids"),
    [
        (["k" * 32], ["t1:x"], []),
        ([], ["t1:x"], ["core.W001"]),
        (["k" * 32], [], ["core.W001"]),
        (["k" * 31], ["t1:x"], ["core.E002"]),
        (["k" * 32, "short"], ["t1:x"], ["core.E002"]),
    ],
)
def test_check_secrets__keys__are_judged(settings, signing, master, ids):
    settings.SIGNING_KEYS, settings.MASTER_KEYS = signing, master

    assert [problem.id for problem in check_secrets(None)] == ids


@isolate_apps("apps.core", "apps.features")
def test_check_foreign_keys__pointing_upwards__is_an_error(monkeypatch):
    from apps.features.models import Feature

    class Shadow(models.Model):
        feature = models.ForeignKey(Feature, on_delete=models.CASCADE, related_name="+")

        class Meta:
            app_label = "core"

        def __str__(self) -> str:
            return "shadow"

    monkeypatch.setattr(checks.apps, "get_models", lambda: [Shadow])

    (problem,) = check_foreign_keys(None)

    assert (problem.id, "features.Feature, a layer above" in problem.msg) == ("core.E001", True)


def test_migrations__models__have_not_drifted(db):
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.executor import MigrationExecutor
    from django.db.migrations.state import ProjectState

    loader = MigrationExecutor(connection).loader
    from django.apps import apps

    changes = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps)).changes(graph=loader.graph)

    assert [label for label in changes if label in {c.label for c in apps.get_app_configs() if "apps." in c.name}] == []
