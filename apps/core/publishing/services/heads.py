"""The one place where a head moves: under the revision's lock, with a row in the log, heard of after commit."""

from dataclasses import dataclass, field
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F

from apps.core.config.heads import Candidate, HeadState
from apps.core.config.invalidation import broadcast
from apps.core.publishing.canonical import canonical_json, sha256_of
from apps.core.publishing.errors import PublishConflict, PublishRefused
from apps.core.publishing.models import Head, Release, Revision, Snapshot
from apps.core.publishing.registry import Problem, tell_listeners
from apps.core.publishing.services.reading import head_of
from apps.core.request_id import get_request_id

log = structlog.get_logger("core")

MAX_BODY = 8 * 1024 * 1024  # what every process would have to hold; readers refuse more, too


@dataclass(frozen=True)
class Act:
    """Who changes a head, why, and how that is called."""

    action: Release.Action
    by: Any
    note: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def locked_head(scope: str, key: str, *, expected: int | None = None) -> Head | None:
    """The head, with every other publisher waiting until this transaction ends.

    `expected` is the revision the caller saw (0: no head). Raises `PublishConflict` when it is another one.
    """
    if not Revision.objects.filter(pk=Revision.SINGLE).update(value=F("value")):
        Revision.objects.get_or_create(pk=Revision.SINGLE)
        Revision.objects.filter(pk=Revision.SINGLE).update(value=F("value"))
    head = head_of(scope, key)
    if expected is not None and expected != (head.revision if head else 0):
        raise PublishConflict()
    return head


def append_snapshot(
    scope: str, key: str, payload: dict[str, Any], *, by: Any, note: str, restored_from: int | None = None
) -> Snapshot:
    """`payload` as the next version, not live yet. Raises `PublishRefused` when it is too large to be held."""
    body = canonical_json(payload)
    if len(body) > MAX_BODY:
        problem = Problem("E_TOO_LARGE", "", f"{len(body)} > {MAX_BODY}")
        raise PublishRefused(count=1, details={"problems": [problem.as_dict()]})
    numbers = Snapshot.objects.filter(scope=scope, key=key).order_by("-version").values_list("version", flat=True)
    snapshot = Snapshot.objects.create(
        scope=scope,
        key=key,
        version=(numbers.first() or 0) + 1,
        body=body,
        sha256=sha256_of(payload),
        author=by,
        note=note,
        restored_from=restored_from,
    )
    tell_listeners(scope, payload, by=by, note=note)
    return snapshot


def change_head(scope: str, key: str, old: Head | None, act: Act, **changes: Any) -> Head:
    """Write `changes` to the head that `locked_head` gave, log the release, and ring the bell after commit."""
    Revision.objects.filter(pk=Revision.SINGLE).update(value=F("value") + 1)
    revision = Revision.objects.values_list("value", flat=True).get(pk=Revision.SINGLE)
    before, candidate_before = (old.version, _number(old.candidate)) if old else (0, 0)
    head = old or Head(scope=scope, key=key)
    for name, value in {**changes, "revision": revision}.items():
        setattr(head, name, value)
    head.version = _number(head.snapshot)
    head.save()
    Release.objects.create(
        scope=scope,
        key=key,
        action=act.action,
        from_version=before,
        to_version=head.version,
        candidate_version=_number(head.candidate) or candidate_before,
        details=act.details,
        revision=revision,
        by=act.by,
        note=act.note,
        request_id=get_request_id(),
    )
    _announce(head, act)
    return head


def _announce(head: Head, act: Act) -> None:
    state = state_of(head)
    fresh = {s.version: s.body for s in (head.snapshot, head.candidate) if s is not None}

    def tell() -> None:
        broadcast(scope=head.scope, key=head.key, state=state, bodies=fresh)
        log.info(
            "head.changed",
            action=str(act.action),
            scope=head.scope,
            key=head.key,
            version=state.version,
            revision=state.revision,
        )

    transaction.on_commit(tell)


def state_of(head: Head) -> HeadState:
    """The head as the runtime reads it."""
    candidate = None
    if head.candidate:
        shown = head.candidate
        candidate = Candidate(shown.version, shown.sha256, head.rollout_percent, frozenset(head.rollout_roles))
    return HeadState(head.version, head.snapshot.sha256 if head.snapshot else "", head.revision, candidate)


def _number(snapshot: Snapshot | None) -> int:
    return snapshot.version if snapshot else 0
