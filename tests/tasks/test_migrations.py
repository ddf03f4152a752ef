"""Rows that were written before steps had paths."""

from importlib import import_module

import pytest
from django.apps import apps

from apps.tasks.models import StepRun
from tests.tasks.builders import make_feature, make_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def task(member):
    make_feature()
    return make_task(member)


def test_fill__steps_of_earlier_runs__are_known_by_their_nodes(task):
    fill = import_module("apps.tasks.migrations.0004_fill_paths").fill
    StepRun.objects.create(task=task, path="", node="brief", type="prompt", status="succeeded")
    StepRun.objects.create(task=task, path="each#3/brief", node="brief", type="prompt", status="succeeded")

    fill(apps, None)

    assert list(StepRun.objects.values_list("path", flat=True)) == ["brief", "each#3/brief"]


def test_forget__way_back__only_steps_that_the_earlier_shape_knows_are_left(task):
    forget = import_module("apps.tasks.migrations.0005_path_once").forget_nested
    StepRun.objects.create(task=task, path="each", node="each", type="map", status="running")
    StepRun.objects.create(task=task, path="each#3/brief", node="brief", type="prompt", status="succeeded")

    forget(apps, None)

    assert list(StepRun.objects.values_list("path", flat=True)) == ["each"]
