"""Edit, publish and roll back features."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import F

from apps.core.errors import InvalidRequest, NotFound, StaleRevision
from apps.core.publishing import services as publishing
from apps.core.publishing.models import Snapshot
from apps.core.publishing.usage import StillLive, hold_releases
from apps.features.models import Feature
from apps.features.publishing import SCOPE
from apps.features.usage import live_uses

__all__ = [
    "EDITABLE",
    "claim_revision",
    "draft",
    "publish_feature",
    "refuse_live",
    "rollback_feature",
    "update_draft",
]

EDITABLE = frozenset(
    {
        "title",
        "title_zh",
        "description",
        "description_zh",
        "icon",
        "order",
        "enabled",
        "cost",
        "form_schema",
        "ui_schema",
        "output_schema",
        "output_ui",
    }
)


def draft(key: str) -> Feature:
    """The draft. Raises `NotFound`."""
    found = Feature.objects.select_related("menu", "pipeline").filter(key=key).first()
    if found is None:
        raise NotFound()
    return found


def update_draft(key: str, changes: Mapping[str, Any], *, expected_revision: int, by: Any) -> Feature:
    """Change fields of the draft.

    Raises `StaleRevision` when it is no longer the revision the caller saw, `InvalidRequest` for unknown fields.
    Concurrency: the revision is claimed by a conditional update before anything is written.
    """
    unknown = sorted(set(changes) - EDITABLE)
    if unknown:
        raise InvalidRequest(
            details={"errors": [{"pointer": f"/{n}", "code": "unknown", "message": n} for n in unknown]}
        )
    with transaction.atomic():
        feature = claim_revision(key, expected_revision)
        for field, value in changes.items():
            setattr(feature, field, value)
        feature.full_clean()
        feature._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
        feature.save()
    return feature


def claim_revision(key: str, expected: int) -> Feature:
    """The draft at its next revision, for the caller to change in this transaction.

    Raises `StaleRevision` unless the draft is at `expected`. Concurrency: one conditional update; one of two wins.
    """
    if not Feature.objects.filter(key=key, revision=expected).update(revision=F("revision") + 1):
        raise StaleRevision(details={"revision": draft(key).revision})
    return draft(key)


def publish_feature(key: str, *, by: Any, note: str = "", confirm: bool = False) -> Snapshot:
    """Release the feature with everything it needs. Raises what `core.publishing.publish` raises."""
    return publishing.publish(SCOPE, key, by=by, note=note, confirm=confirm)


def rollback_feature(key: str, *, to_version: int, by: Any, note: str = "") -> Snapshot:
    """Make an older version live again, as a new version. Raises `VersionUnknown`."""
    return publishing.rollback(SCOPE, key, to_version=to_version, by=by, note=note)


def refuse_live(features: Iterable[Feature]) -> None:
    """Raises `StillLive` when one of `features` is released, or on its way to be. Call it where they are deleted."""
    hold_releases()
    if live := live_uses({feature.key for feature in features}):
        raise StillLive(live)
