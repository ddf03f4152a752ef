"""`publish_feature`, `rollback_feature`, `rollback_config`: exit codes, dry runs, JSON."""

import json
from functools import partial
from typing import Any

import pytest
from django.core.management import call_command, execute_from_command_line
from django.db import OperationalError

from apps.core.config import reader
from apps.core.config.processes import wait_until_propagated
from apps.core.publishing import services as publishing
from apps.core.publishing.errors import PublishConflict
from apps.core.publishing.models import Head, Revision, Snapshot
from apps.core.publishing.registry import Problem
from apps.features import commands
from apps.features.management.commands import publish_feature as command
from apps.features.models import Feature
from apps.features.publishing import SCOPE, FeatureKind
from apps.prompts.models import Prompt
from apps.providers.models import Offer
from apps.providers.services import release_catalogue
from tests.core.test_processes import say
from tests.features.builders import make_feature


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    """The exit code of `ARGUMENTS --json`, and its object."""
    capsys.readouterr()
    code = 0
    try:
        call_command(*map(str, arguments), "--json")
    except SystemExit as exc:
        code = int(exc.code or 0)
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == code
    return code, told


def released() -> tuple[int, int, list[tuple[str, str, int]]]:
    """Everything that a refusal or a dry run must leave alone."""
    revision = Revision.objects.values_list("value", flat=True).first() or 0
    return Snapshot.objects.count(), revision, list(Head.objects.values_list("scope", "key", "version").order_by("pk"))


@pytest.fixture
def feature(db: None) -> Feature:
    """Live as version 2; the draft is the same. Version 1 greets otherwise."""
    made = make_feature(published=True)
    Prompt.objects.update(body="Greet {{ name }} twice.")
    call_command("publish_feature", "greeter")
    reader.reset()
    return made


# --- publish --------------------------------------------------------------------------------------


def test_publish__changed_draft__is_live_in_the_name_of_the_user(db, capsys, operator):
    make_feature()

    code, told = run(capsys, "publish_feature", "greeter", "--by", "olga", "--note", "from a terminal")

    assert (code, told["status"], told["live_version"], told["changed"]) == (0, "done", 1, True)
    snapshot = Snapshot.objects.get(scope="feature")
    assert (snapshot.author, snapshot.note) == (operator, "from a terminal")


def test_publish__unchanged_draft__is_0_and_releases_nothing(feature, capsys):
    before = released()

    code, told = run(capsys, "publish_feature", "greeter")

    assert (code, told["live_version"], told["changed"]) == (0, 2, False)
    assert released() == before


def test_publish__dry_run__shows_the_changes_and_releases_nothing(feature, capsys):
    Feature.objects.update(cost=5)
    before = released()

    code, told = run(capsys, "publish_feature", "greeter", "--dry-run")

    assert (code, told["dry_run"], told["live_version"], told["changed"]) == (0, True, 2, True)
    assert [(c["path"], c["old"], c["new"]) for c in told["changes"]] == [("/cost", 2, 5)]
    assert [problem for problem in told["problems"] if problem["level"] == "error"] == []
    assert released() == before


def test_publish__dry_run_read_by_a_person__says_what_to_do_next(feature, capsys):
    Feature.objects.update(cost=5)
    capsys.readouterr()

    call_command("publish_feature", "greeter", "--dry-run")

    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["greeter: v2 is live; publishing would change:", "  ~ /cost: 2 -> 5"]
    assert lines[-1] == "Nothing was published; go on without --dry-run."


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_publish__problems__is_1_with_all_of_them_and_releases_nothing(feature, capsys, dry_run):
    Feature.objects.update(cost=None, form_schema={})
    before = released()

    code, told = run(capsys, "publish_feature", "greeter", *dry_run)

    problems = told["problems"] if dry_run else told["error"]["details"]["problems"]
    assert (code, told["status"]) == (1, "refused")
    assert {"E_PRICE_MISSING", "E_SCHEMA_SHAPE"} <= {problem["code"] for problem in problems}
    assert released() == before


def test_publish__problems_read_by_a_person__name_their_places(feature, capsys):
    Feature.objects.update(cost=None)

    with pytest.raises(SystemExit):
        call_command("publish_feature", "greeter")

    told = capsys.readouterr().err
    assert told.startswith("greeter: Not published")
    assert "  /cost: Set the price; 0 credits is a price, nothing is not. [E_PRICE_MISSING]" in told


def test_publish__somebody_else_was_faster__is_3(feature, capsys, monkeypatch):
    def overtaken(*args: Any, **kwargs: Any) -> Any:
        raise PublishConflict()

    monkeypatch.setattr(command, "publish_feature", overtaken)

    assert run(capsys, "publish_feature", "greeter")[0] == 3


@pytest.fixture
def breaking(feature: Feature, monkeypatch: pytest.MonkeyPatch) -> Feature:
    """The draft differs, and every check finds a break."""
    problem = Problem("E_FIELD_REMOVED", "/form/schema/properties/name", "Saved links break.", "break")
    monkeypatch.setattr(FeatureKind, "check", lambda *args: [problem])
    Feature.objects.update(cost=5)
    return feature


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_publish__break_unconfirmed__is_1_and_says_how_to_confirm(breaking, capsys, dry_run):
    before = released()

    code, told = run(capsys, "publish_feature", "greeter", *dry_run)

    problems = told["problems"] if dry_run else told["error"]["details"]["problems"]
    assert (code, [(p["code"], p["level"]) for p in problems]) == (1, [("E_FIELD_REMOVED", "break")])
    with pytest.raises(SystemExit):
        call_command("publish_feature", "greeter", *dry_run)
    told = capsys.readouterr()
    assert "publish with --confirm." in told.out + told.err
    assert released() == before


def test_publish__break_confirmed__is_live(breaking, capsys):
    assert run(capsys, "publish_feature", "greeter", "--dry-run", "--confirm")[0] == 0

    code, told = run(capsys, "publish_feature", "greeter", "--confirm")

    assert (code, told["live_version"]) == (0, 3)


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_publish__second_person_needed__is_1_and_releases_nothing(feature, capsys, monkeypatch, dry_run):
    collect = FeatureKind.collect
    monkeypatch.setattr(FeatureKind, "collect", lambda self, key: {**collect(self, key), "needs_approval": True})
    before = released()

    code, told = run(capsys, "publish_feature", "greeter", *dry_run)

    assert (code, told["status"]) == (1, "refused")
    assert released() == before


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_publish__gradual_release_running__is_1_and_releases_nothing(feature, capsys, dry_run):
    Feature.objects.update(cost=5)
    publishing.start_rollout(SCOPE, "greeter", by=None, percent=10)
    Feature.objects.update(cost=6)
    before = released()

    code, told = run(capsys, "publish_feature", "greeter", *dry_run)

    assert (code, told["status"]) == (1, "refused")
    assert released() == before


@pytest.mark.parametrize(
    "arguments",
    [["publish_feature", "greeter"], ["rollback_feature", "greeter", 1], ["rollback_config", SCOPE, "greeter", 1]],
)
def test_wait__every_process_serves_it__is_0(feature, capsys, arguments):
    say("web-1", 10**6)

    code, told = run(capsys, *arguments, "--wait")

    assert (code, told["propagation"]["complete"], told["propagation"]["processes"]) == (0, True, 1)


def test_wait__a_process_is_behind__is_5_and_live_all_the_same(feature, capsys, monkeypatch):
    Feature.objects.update(cost=5)
    say("web-1", 0)
    monkeypatch.setattr(commands, "wait_until_propagated", partial(wait_until_propagated, timeout=0))

    code, told = run(capsys, "publish_feature", "greeter", "--wait")

    assert (code, told["status"], told["live_version"]) == (5, "not_propagated", 3)
    assert (told["propagation"]["complete"], told["propagation"]["behind"]) == (False, ["web-1"])
    live = publishing.live_snapshot(SCOPE, "greeter")
    assert live is not None
    assert live.version == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["publish_feature", "nowhere"],
        ["publish_feature", "nowhere", "--dry-run"],
        ["publish_feature", "greeter", "--by", "nobody"],
        ["rollback_feature", "greeter", "7"],
        ["rollback_feature", "greeter", "0", "--dry-run"],
        ["rollback_feature", "greeter", "-1"],
        ["rollback_feature", "greeter", str(10**30)],
        ["rollback_feature", "nowhere", "1"],
        ["rollback_feature", "greeter", "1", "--by", "nobody"],
        ["rollback_config", "providers", "catalogue", "7"],
        ["rollback_config", "nonsense", "greeter", "1", "--dry-run"],
    ],
)
def test_command__no_such_thing__is_4_and_changes_nothing(feature, capsys, arguments):
    before = released()

    code, told = run(capsys, *arguments)

    assert (code, told["status"]) == (4, "not_found")
    assert released() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["publish_feature"],
        ["publish_feature", "greeter", "--loud"],
        ["rollback_feature", "greeter"],
        ["rollback_feature", "greeter", "first"],
        ["rollback_config", "feature", "greeter"],
        ["seed", "extra"],
    ],
)
def test_command__called_wrongly__is_2(arguments):
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", *arguments])

    assert ended.value.code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["publish_feature", "greeter"],
        ["publish_feature", "greeter", "--dry-run"],
        ["rollback_feature", "greeter", "1"],
        ["rollback_config", "feature", "greeter", "1", "--dry-run"],
    ],
)
def test_command__database_unreachable__is_5(feature, capsys, monkeypatch, arguments):
    def down(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError("gone")

    for name in ("live_snapshot", "preview", "snapshot_of"):
        monkeypatch.setattr(publishing, name, down)

    code, told = run(capsys, *arguments)

    assert (code, told["status"], told["error"]["code"]) == (5, "down", "CORE_5001")


# --- roll back ------------------------------------------------------------------------------------


def test_rollback__older_version__is_live_again_as_a_new_one(feature, capsys, operator):
    code, told = run(capsys, "rollback_feature", "greeter", 1, "--by", "olga", "--note", "too loud")

    assert code == 0
    assert {name: told[name] for name in ("scope", "key", "to_version", "live_version", "changed")} == {
        "scope": "feature",
        "key": "greeter",
        "to_version": 1,
        "live_version": 3,
        "changed": True,
    }
    restored = Snapshot.objects.get(scope="feature", version=3)
    assert (restored.restored_from, restored.author, restored.note) == (1, operator, "too loud")
    assert restored.payload["prompts"]["greeting"]["body"] == "Greet {{ name }}."


def test_rollback__dry_run__shows_the_way_from_live_to_that_version(feature, capsys):
    before = released()

    code, told = run(capsys, "rollback_feature", "greeter", 1, "--dry-run")

    assert (code, told["live_version"], told["to_version"], told["changed"]) == (0, 2, 1, True)
    assert [(c["path"], c["old"], c["new"]) for c in told["changes"]] == [
        ("/prompts/greeting/body", "Greet {{ name }} twice.", "Greet {{ name }}.")
    ]
    assert released() == before


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_rollback__to_what_is_live__is_0_and_changes_nothing(feature, capsys, dry_run):
    before = released()

    code, told = run(capsys, "rollback_feature", "greeter", 2, *dry_run)

    assert (code, told["live_version"], told["changed"]) == (0, 2, False)
    assert released() == before


def test_rollback__somebody_else_was_faster__is_3(feature, capsys, monkeypatch):
    def overtaken(*args: Any, **kwargs: Any) -> Any:
        raise PublishConflict()

    monkeypatch.setattr(publishing, "rollback", overtaken)

    assert run(capsys, "rollback_feature", "greeter", 1)[0] == 3


def test_rollback_config__providers__restores_the_catalogue_and_says_what_it_does_not(feature, capsys):
    Offer.objects.update(enabled=False)
    release_catalogue(by=None)
    capsys.readouterr()

    call_command("rollback_config", "providers", "catalogue", "1")

    assert capsys.readouterr().out.splitlines() == [
        "providers/catalogue: v3 is live, with the content of v1.",
        "The rows in the admin stay as they are: the next change there releases them again.",
    ]
    live = publishing.live_snapshot("providers", "catalogue")
    assert live is not None
    assert [offer["model"] for endpoint in live.payload["endpoints"] for offer in endpoint["offers"]] == ["mock-1"]


def test_rollback_config__feature__is_the_same_as_rollback_feature(feature, capsys):
    code, told = run(capsys, "rollback_config", "feature", "greeter", 1)

    assert (code, told["live_version"]) == (0, 3)
