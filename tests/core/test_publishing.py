"""Releases: immutable versions, one live head, a revision that only grows."""

import json
import threading
from typing import Any

import pytest
from django.db import close_old_connections

from apps.core.errors import NotFound
from apps.core.publishing import services
from apps.core.publishing.canonical import canonical_json, sha256_of
from apps.core.publishing.errors import PublishConflict, PublishRefused, VersionUnknown
from apps.core.publishing.models import Head, Revision, Snapshot
from apps.core.publishing.registry import Problem
from apps.core.publishing.services import diff_versions, preview, publish, release, rollback, versions
from tests.core.builders import make_toy


def state() -> tuple[int, int, list[tuple[str, int]]]:
    """Everything that a refusal must leave alone."""
    revision = Revision.objects.values_list("value", flat=True).first() or 0
    return Snapshot.objects.count(), revision, list(Head.objects.values_list("key", "version").order_by("key"))


def test_publish__first_time__is_version_1_and_live(operator):
    make_toy(colour="brown", size=3)

    snapshot = publish("toy", "bear", by=operator, note="hello")

    assert (snapshot.version, snapshot.author, snapshot.note) == (1, operator, "hello")
    assert snapshot.body == '{"colour":"brown","size":3}'
    assert snapshot.sha256 == sha256_of({"size": 3, "colour": "brown"})
    assert state() == (1, 1, [("bear", 1)])


def test_publish__unchanged_draft__is_no_new_version(operator):
    make_toy()
    first = publish("toy", "bear", by=operator)

    again = publish("toy", "bear", by=operator, note="again")

    assert again == first
    assert state() == (1, 1, [("bear", 1)])


def test_publish__draft_edited_later__leaves_the_release_alone(operator):
    kind = make_toy(parts={"colour": "brown"})
    first = publish("toy", "bear", by=operator)

    kind.drafts["bear"]["parts"]["colour"] = "white"

    assert Snapshot.objects.get(pk=first.pk).body == '{"parts":{"colour":"brown"}}'
    assert publish("toy", "bear", by=operator).version == 2


def test_publish__problems__refuses_and_changes_nothing(operator):
    kind = make_toy()
    publish("toy", "bear", by=operator)
    kind.drafts["bear"] = {"colour": "loud"}
    kind.problems = [Problem("E_COLOUR", "/colour", "Too loud."), Problem("E_OTHER", "/x", "No.")]
    before = state()

    with pytest.raises(PublishRefused) as refused:
        publish("toy", "bear", by=operator)

    assert refused.value.details["problems"][0] == {
        "code": "E_COLOUR",
        "path": "/colour",
        "message": "Too loud.",
        "level": "error",
    }
    assert "2 problems" in refused.value.text()
    assert state() == before


def test_publish__unknown_scope__is_not_found(operator):
    with pytest.raises(NotFound):
        publish("unheard-of", "bear", by=operator)


def test_rollback__old_version__appends_it_again(operator):
    kind = make_toy(colour="brown")
    publish("toy", "bear", by=operator)
    kind.drafts["bear"] = {"colour": "white"}
    publish("toy", "bear", by=operator)

    restored = rollback("toy", "bear", to_version=1, by=operator, note="too white")

    assert (restored.version, restored.restored_from, restored.note) == (3, 1, "too white")
    assert restored.payload == {"colour": "brown"}
    assert [s.version for s in versions("toy", "bear")] == [3, 2, 1]
    assert state() == (3, 3, [("bear", 3)])


def test_rollback__unknown_version__changes_nothing(operator):
    make_toy()
    publish("toy", "bear", by=operator)
    before = state()

    with pytest.raises(VersionUnknown):
        rollback("toy", "bear", to_version=7, by=operator)

    assert state() == before


def test_rollback__to_the_live_version__is_no_new_version(operator):
    make_toy()
    publish("toy", "bear", by=operator)

    assert rollback("toy", "bear", to_version=1, by=operator).version == 1
    assert state() == (1, 1, [("bear", 1)])


def test_preview__changed_draft__names_the_change_and_writes_nothing(operator):
    kind = make_toy(colour="brown")
    publish("toy", "bear", by=operator)
    kind.drafts["bear"] = {"colour": "white"}
    before = state()

    seen = preview("toy", "bear")

    assert [(c.path, c.kind, c.old, c.new) for c in seen.changes] == [("/colour", "changed", "brown", "white")]
    assert (seen.live_version, state()) == (1, before)


def test_diff_versions__unknown__is_refused(operator):
    make_toy()
    publish("toy", "bear", by=operator)

    with pytest.raises(VersionUnknown):
        diff_versions("toy", "bear", old=1, new=2)


def test_snapshot__saved_again__is_refused(operator):
    make_toy()
    snapshot = publish("toy", "bear", by=operator)
    snapshot.body = "{}"

    with pytest.raises(TypeError, match="append-only"):
        snapshot.save()

    assert Snapshot.objects.get().body == '{"colour":"brown"}'


def test_release__head_moved_meanwhile__is_a_conflict(operator):
    release("toy", "bear", {"n": 1}, by=operator)
    seen = services.head_of("toy", "bear").revision
    release("toy", "bear", {"n": 2}, by=operator)
    before = state()

    with pytest.raises(PublishConflict) as refused:
        release("toy", "bear", {"n": 3}, by=operator, expected=seen)

    assert (refused.value.retryable, refused.value.status, state()) == (True, 409, before)


@pytest.mark.django_db(transaction=True)
def test_release__many_at_once__versions_and_revisions_have_no_gap():
    release("toy", "bear", {"n": 0}, by=None)
    start, told = threading.Barrier(6, timeout=60), []

    def work(number: int) -> None:
        start.wait()
        try:
            told.append(release("toy", "bear", {"n": number}, by=None).version)
        except PublishConflict:
            told.append(0)
        finally:
            close_old_connections()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    won = sorted(version for version in told if version)
    assert len(told) == 6
    assert won == list(range(2, 2 + len(won)))
    assert len(won) >= 1
    count, revision, heads = state()
    assert (count, revision, heads) == (1 + len(won), 1 + len(won), [("bear", 1 + len(won))])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_canonical__no_json_number__is_refused(value: Any):
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": value})


def test_canonical__same_meaning__is_the_same_text():
    assert canonical_json({"b": [1, "é"], "a": None}) == canonical_json(json.loads('{"a":null,"b":[1,"\\u00e9"]}'))
