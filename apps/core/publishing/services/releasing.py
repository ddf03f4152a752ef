"""Publish a draft, release a payload, bring an old version back, take something off."""

from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, transaction

from apps.core.publishing.canonical import sha256_of
from apps.core.publishing.errors import (
    ApprovalNeeded,
    BreakUnconfirmed,
    DraftChanged,
    NeverLive,
    NoteNeeded,
    NothingLive,
    PublishConflict,
    PublishRefused,
    RolloutRunning,
)
from apps.core.publishing.models import Head, Release, Snapshot
from apps.core.publishing.registry import Problem
from apps.core.publishing.services.heads import Act, append_snapshot, change_head, locked_head
from apps.core.publishing.services.reading import Preview, preview, snapshot_of
from apps.core.transactions import retry_on_conflict

Payload = dict[str, Any]
LEAST_NOTE = 10  # characters of a reason, without the space round it; less says nothing to whoever reads the log
NO_ROLLOUT: Payload = {
    "candidate": None,
    "rollout_percent": 0,
    "rollout_roles": [],
    "rollout_margin": None,
    "rollout_started_at": None,
}


def publish(
    scope: str,
    key: str,
    *,
    by: Any,
    note: str = "",
    confirm: bool = False,
    expected_live: int | None = None,
    expected_sha256: str = "",
) -> Snapshot:
    """Release the draft `key` with its whole closure, for everybody.

    Publishing an unchanged draft releases nothing and answers the live version. `expected_live` (0: nothing) and
    `expected_sha256` are what the publisher looked at.

    Raises `PublishRefused` with every problem, `BreakUnconfirmed` unless `confirm`, `NoteNeeded`,
    `DraftChanged`, `PublishConflict`, `RolloutRunning`, `ApprovalNeeded`; nothing changes then.
    """
    seen = preview(scope, key)
    ensure_as_seen(seen, live=expected_live, sha256=expected_sha256)
    ensure_releasable(seen, confirm=confirm, note=note)
    if seen.changes or seen.live_version is None:
        ensure_free(seen)
        ensure_approved(seen)
    return release(
        scope, key, seen.payload, by=by, note=note, expected=seen.head_revision, details=confirmed(seen.breaks)
    )


def ensure_as_seen(seen: Preview, *, live: int | None, sha256: str) -> None:
    """Raises `PublishConflict` or `DraftChanged` when what was looked at is not what there is now."""
    if live is not None and live != (seen.live_version or 0):
        raise PublishConflict()
    if sha256 and sha256 != seen.sha256:
        raise DraftChanged()


def ensure_releasable(seen: Preview, *, confirm: bool, note: str) -> None:
    """Raises `PublishRefused` for errors, `BreakUnconfirmed` for breaks that nobody confirmed.

    Raises `NoteNeeded` where `note` is too short for a break that asks for a reason.
    """
    if seen.errors:
        raise PublishRefused(count=len(seen.errors), details={"problems": _listed(seen.problems)})
    if seen.breaks and not confirm:
        raise BreakUnconfirmed(count=len(seen.breaks), details={"problems": _listed(seen.problems)})
    if seen.needs_note and len(note.strip()) < LEAST_NOTE:
        raise _note_needed([problem for problem in seen.breaks if problem.needs_note])


def _note_needed(asking: list[Problem]) -> NoteNeeded:
    error = NoteNeeded(least=LEAST_NOTE, what=" ".join(problem.message for problem in asking))
    pointed = {"pointer": "/note", "code": "min_length", "message": error.text()}
    error.details = {"errors": [pointed], "problems": _listed(asking)}
    return error


def ensure_free(seen: Preview) -> None:
    """Raises `RolloutRunning`."""
    if seen.candidate_version:
        raise RolloutRunning(version=seen.candidate_version)


def ensure_approved(seen: Preview) -> None:
    """Raises `ApprovalNeeded`."""
    if seen.needs_approval:
        raise ApprovalNeeded()


def confirmed(breaks: list[Problem]) -> Payload:
    """What the log keeps of problems that somebody went through: who and why stand beside it."""
    return {"confirmed": _listed(breaks)} if breaks else {}


def _listed(problems: list[Problem]) -> list[Payload]:
    return [problem.as_dict() for problem in problems]


@retry_on_conflict
def release(
    scope: str,
    key: str,
    payload: Payload | Callable[[], Payload],
    *,
    by: Any,
    note: str = "",
    expected: int | None = None,
    restored_from: int | None = None,
    details: Payload | None = None,
) -> Snapshot:
    """Append `payload` as the next version and make it live for everybody, in one transaction.

    A callable is asked under the lock, so that of two writers at once the later release holds what both wrote.
    A running gradual release ends. `details` go into the log.

    Raises `PublishConflict` when the head is not at revision `expected`.

    Concurrency: publishers wait for each other. Emits: `cfg:invalidate` after commit.
    """
    try:
        with transaction.atomic():
            head = locked_head(scope, key, expected=expected)
            content = payload() if callable(payload) else payload
            if head and head.snapshot and head.snapshot.sha256 == sha256_of(content) and not head.candidate:
                return head.snapshot
            snapshot = append_snapshot(scope, key, content, by=by, note=note, restored_from=restored_from)
            action = Release.Action.ROLLBACK if restored_from else Release.Action.PUBLISH
            told = {**(details or {}), **({"restored": restored_from} if restored_from else {})}
            change_head(scope, key, head, Act(action, by, note, told), snapshot=snapshot, **NO_ROLLOUT)
    except IntegrityError as exc:
        raise PublishConflict() from exc
    return snapshot


def rollback(scope: str, key: str, *, to_version: int, by: Any, note: str = "") -> Snapshot:
    """Release an older payload again, as a new version; a running gradual release ends.

    Raises `VersionUnknown`, or `NeverLive` for a version that not everybody ever got: it was not approved for all.
    """
    target = snapshot_of(scope, key, to_version)
    if not Release.objects.filter(scope=scope, key=key, to_version=to_version).exists():
        raise NeverLive(version=to_version)
    return release(scope, key, target.payload, by=by, note=note, restored_from=to_version)


@retry_on_conflict
def withdraw(scope: str, key: str, *, by: Any, note: str = "") -> Head:
    """Take it off: nobody gets any version. Tasks that run go on. Raises `NothingLive`."""
    with transaction.atomic():
        head = locked_head(scope, key)
        if head is None or not (head.snapshot or head.candidate):
            raise NothingLive()
        return change_head(scope, key, head, Act(Release.Action.WITHDRAW, by, note), snapshot=None, **NO_ROLLOUT)
