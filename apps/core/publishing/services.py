"""Release, roll back and compare versions. Every write is one transaction; the bell rings after commit."""

from dataclasses import dataclass
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F

from apps.core.config.invalidation import broadcast
from apps.core.publishing.canonical import canonical_json, sha256_of
from apps.core.publishing.diff import Change, diff
from apps.core.publishing.errors import PublishConflict, PublishRefused, VersionUnknown
from apps.core.publishing.models import Head, Revision, Snapshot
from apps.core.publishing.registry import Problem, publishable

__all__ = [
    "Preview",
    "diff_versions",
    "live_snapshot",
    "live_versions",
    "preview",
    "publish",
    "release",
    "rollback",
    "snapshot_of",
    "versions",
]

log = structlog.get_logger("core")


@dataclass(frozen=True)
class Preview:
    """What publishing would do: the payload, its problems, the changes against the live version."""

    payload: dict[str, Any]
    problems: list[Problem]
    changes: list[Change]
    live_version: int | None


def live_snapshot(scope: str, key: str) -> Snapshot | None:
    """The snapshot that is live, or None when nothing was released yet."""
    head = Head.objects.select_related("snapshot__author").filter(scope=scope, key=key).first()
    return head.snapshot if head else None


def live_versions(scope: str) -> dict[str, int]:
    """The live version of everything in `scope`, by key."""
    return dict(Head.objects.filter(scope=scope).values_list("key", "version"))


def versions(scope: str, key: str) -> list[Snapshot]:
    """Every released version, newest first, without the bodies."""
    return list(
        Snapshot.objects.filter(scope=scope, key=key).select_related("author").defer("body").order_by("-version")
    )


def snapshot_of(scope: str, key: str, version: int) -> Snapshot:
    """One released version. Raises `VersionUnknown`."""
    found = Snapshot.objects.filter(scope=scope, key=key, version=version).first()
    if found is None:
        raise VersionUnknown(version=version)
    return found


def preview(scope: str, key: str) -> Preview:
    """Collect and check the draft without releasing it."""
    kind = publishable(scope)
    payload = kind.collect(key)
    live = live_snapshot(scope, key)
    changes = diff(live.payload if live else {}, payload)
    return Preview(
        payload, kind.check(key, payload, live.payload if live else None), changes, live.version if live else None
    )


def publish(scope: str, key: str, *, by: Any, note: str = "") -> Snapshot:
    """Release the draft `key` with its whole closure.

    Publishing an unchanged draft releases nothing and answers the live version.
    Raises `PublishRefused` with every problem; nothing changes then.
    """
    seen = preview(scope, key)
    if seen.problems:
        raise PublishRefused(count=len(seen.problems), details={"problems": [p.as_dict() for p in seen.problems]})
    return release(scope, key, seen.payload, by=by, note=note)


def rollback(scope: str, key: str, *, to_version: int, by: Any, note: str = "") -> Snapshot:
    """Release the old payload again, as a new version. Raises `VersionUnknown`."""
    target = snapshot_of(scope, key, to_version)
    return release(scope, key, target.payload, by=by, note=note, restored_from=to_version)


def diff_versions(scope: str, key: str, *, old: int, new: int) -> list[Change]:
    """What changed from version `old` to version `new`. Raises `VersionUnknown`."""
    return diff(snapshot_of(scope, key, old).payload, snapshot_of(scope, key, new).payload)


def release(
    scope: str,
    key: str,
    payload: dict[str, Any],
    *,
    by: Any,
    note: str = "",
    restored_from: int | None = None,
) -> Snapshot:
    """Append `payload` as the next version and make it live, in one transaction.

    Concurrency: of two publishers at once one wins; the other gets `PublishConflict`.
    Emits: `cfg:invalidate` after commit.
    """
    live = live_snapshot(scope, key)
    digest = sha256_of(payload)
    if live is not None and live.sha256 == digest:
        return live
    try:
        with transaction.atomic():
            snapshot, revision = _append(
                scope, key, payload, digest, live, by=by, note=note, restored_from=restored_from
            )
            transaction.on_commit(lambda: broadcast(scope=scope, key=key, version=snapshot.version, revision=revision))
    except IntegrityError as exc:
        raise PublishConflict() from exc
    log.info(
        "snapshot.released",
        scope=scope,
        key=key,
        version=snapshot.version,
        revision=revision,
        sha256=digest[:12],
    )
    return snapshot


def _append(
    scope: str, key: str, payload: dict[str, Any], digest: str, live: Snapshot | None, **about: Any
) -> tuple[Snapshot, int]:
    newest = (
        Snapshot.objects.filter(scope=scope, key=key).order_by("-version").values_list("version", flat=True).first()
    )
    snapshot = Snapshot.objects.create(
        scope=scope,
        key=key,
        version=(newest or 0) + 1,
        body=canonical_json(payload),
        sha256=digest,
        author=about["by"],
        note=about["note"],
        restored_from=about["restored_from"],
    )
    revision = _next_revision()
    if live is None:
        Head.objects.create(scope=scope, key=key, snapshot=snapshot, version=snapshot.version, revision=revision)
    elif not Head.objects.filter(scope=scope, key=key, snapshot=live).update(
        snapshot=snapshot, version=snapshot.version, revision=revision
    ):
        raise PublishConflict()
    return snapshot, revision


def _next_revision() -> int:
    """Count one more change. The row's lock orders publishers, so a revision is never seen before a smaller one."""
    Revision.objects.get_or_create(pk=Revision.SINGLE)
    Revision.objects.filter(pk=Revision.SINGLE).update(value=F("value") + 1)
    return Revision.objects.values_list("value", flat=True).get(pk=Revision.SINGLE)
