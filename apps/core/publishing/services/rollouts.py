"""Release to some first: a candidate beside the stable version, by percentage and by role."""

from collections.abc import Iterable
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from apps.core.errors import InvalidRequest
from apps.core.publishing.errors import NoRollout, NothingChanged, PublishConflict, RolloutRunning
from apps.core.publishing.models import Head, Release, Snapshot
from apps.core.publishing.outcomes import outcomes_of
from apps.core.publishing.services.heads import Act, append_snapshot, change_head, locked_head
from apps.core.publishing.services.reading import Preview, preview
from apps.core.publishing.services.releasing import (
    NO_ROLLOUT,
    confirmed,
    ensure_approved,
    ensure_as_seen,
    ensure_free,
    ensure_releasable,
)
from apps.core.transactions import retry_on_conflict

log = structlog.get_logger("core")

DEFAULT_MARGIN = 10  # percentage points
MIN_RUNS = 10  # fewer finished runs of the candidate say nothing about it


def start_rollout(
    scope: str,
    key: str,
    *,
    by: Any,
    percent: int,
    roles: Iterable[str] = (),
    margin: int | None = DEFAULT_MARGIN,
    note: str = "",
    confirm: bool = False,
    expected_live: int | None = None,
    expected_sha256: str = "",
) -> Snapshot:
    """Release the draft as a candidate for `percent` of signed-in people and everybody with one of `roles`.

    It stops by itself when its share of failed runs exceeds the stable version's by more than `margin` percentage
    points (None: never). Raises as `publish` does, and `NothingChanged`, `InvalidRequest`.
    """
    options = checked_options(percent, roles, margin)
    seen = preview(scope, key)
    ensure_as_seen(seen, live=expected_live, sha256=expected_sha256)
    ensure_releasable(seen, confirm=confirm, note=note)
    ensure_free(seen)
    ensure_approved(seen)
    return begin(scope, key, seen, options, by=by, note=note)


@retry_on_conflict
def begin(scope: str, key: str, seen: Preview, options: dict[str, Any], *, by: Any, note: str) -> Snapshot:
    """The write of `start_rollout`, for a payload that was looked at."""
    with transaction.atomic():
        head = locked_head(scope, key, expected=seen.head_revision)
        if head and head.candidate:
            raise RolloutRunning(version=head.candidate.version)
        if head and head.snapshot and head.snapshot.sha256 == seen.sha256:
            raise NothingChanged()
        snapshot = append_snapshot(scope, key, seen.payload, by=by, note=note)
        act = Act(Release.Action.ROLLOUT_START, by, note, _told(options) | confirmed(seen.breaks))
        change_head(scope, key, head, act, candidate=snapshot, rollout_started_at=timezone.now(), **options)
    return snapshot


@retry_on_conflict
def change_rollout(
    scope: str, key: str, *, by: Any, percent: int, roles: Iterable[str] = (), note: str = "", **margin: int | None
) -> Head:
    """Serve the candidate to another share; `margin=` changes the watch. Raises `NoRollout`, `InvalidRequest`."""
    with transaction.atomic():
        head = _running(scope, key)
        options = checked_options(percent, roles, margin.get("margin", head.rollout_margin))
        return change_head(scope, key, head, Act(Release.Action.ROLLOUT_CHANGE, by, note, _told(options)), **options)


@retry_on_conflict
def promote_rollout(scope: str, key: str, *, by: Any, note: str = "", candidate: int | None = None) -> Head:
    """The candidate becomes the version for everybody.

    Raises `NoRollout`, or `PublishConflict` when it is not the version `candidate` that was looked at.
    """
    with transaction.atomic():
        head = _running(scope, key)
        if candidate is not None and head.candidate and head.candidate.version != candidate:
            raise PublishConflict()
        act = Act(Release.Action.PROMOTE, by, note)
        return change_head(scope, key, head, act, **{**NO_ROLLOUT, "snapshot": head.candidate})


@retry_on_conflict
def stop_rollout(
    scope: str,
    key: str,
    *,
    by: Any,
    note: str = "",
    action: Release.Action = Release.Action.ROLLOUT_STOP,
    expected: int | None = None,
) -> Head:
    """Everybody gets the stable version again.

    Raises `NoRollout`, or `PublishConflict` when the head is not at revision `expected`.
    """
    with transaction.atomic():
        head = _running(scope, key, expected=expected)
        return change_head(scope, key, head, Act(action, by, note), **NO_ROLLOUT)


def stop_failing_rollouts() -> int:
    """Stop every watched candidate that fails clearly more often than the stable version; returns how many."""
    watched = Head.objects.filter(candidate__isnull=False, rollout_margin__isnull=False).select_related("candidate")
    return sum(_stop_if_failing(head) for head in watched)


def _stop_if_failing(head: Head) -> bool:
    if head.candidate is None or head.rollout_started_at is None or head.rollout_margin is None:
        return False
    new, old = outcomes_of(head.scope, head.key, [head.candidate.version, head.version], since=head.rollout_started_at)
    if new.finished < MIN_RUNS or new.failed_share <= old.failed_share + head.rollout_margin / 100:
        return False
    note = f"{new.failed} of {new.finished} runs failed, against {old.failed} of {old.finished}"
    try:
        # What was judged, and not another candidate that began since.
        stop_rollout(head.scope, head.key, by=None, note=note, action=Release.Action.AUTO_STOP, expected=head.revision)
    except (NoRollout, PublishConflict):
        return False  # somebody was faster; the next look judges anew
    log.error("rollout.stopped", scope=head.scope, key=head.key, version=head.candidate.version, why=note)
    return True


def _running(scope: str, key: str, *, expected: int | None = None) -> Head:
    head = locked_head(scope, key, expected=expected)
    if head is None or head.candidate is None:
        raise NoRollout()
    return head


def checked_options(percent: int, roles: Iterable[str] = (), margin: int | None = DEFAULT_MARGIN) -> dict[str, Any]:
    """The head's fields. Raises `InvalidRequest` when nobody would get the candidate, or for figures out of range."""
    wanted = sorted(set(roles))
    wrong = [
        name
        for name, fine in {
            "percent": 0 <= percent <= 100 and bool(percent or wanted),
            "margin": margin is None or 0 <= margin <= 100,
        }.items()
        if not fine
    ]
    if wrong:
        words = "percent: 0 to 100, and not 0 without roles; margin: 0 to 100 percentage points"
        raise InvalidRequest(
            details={"errors": [{"pointer": f"/{n}", "code": "range", "message": words} for n in wrong]}
        )
    return {"rollout_percent": percent, "rollout_roles": wanted, "rollout_margin": margin}


def _told(options: dict[str, Any]) -> dict[str, Any]:
    return {name.removeprefix("rollout_"): value for name, value in options.items()}
