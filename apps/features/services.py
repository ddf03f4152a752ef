"""Edit, publish and roll back features."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F

from apps.core.errors import InvalidRequest, NotFound, StaleRevision
from apps.core.publishing import services as publishing
from apps.core.publishing.models import Head, Plan, Snapshot
from apps.core.publishing.usage import StillLive, hold_releases
from apps.features.errors import ApprovalRight, FeaturePlanned, KeyTaken, PublishRight
from apps.features.meanwhile import PLAIN, meanwhile
from apps.features.models import Feature
from apps.features.publishing import SCOPE
from apps.features.rights import may
from apps.features.usage import live_uses

__all__ = [
    "EDITABLE",
    "claim_revision",
    "create_draft",
    "delete_draft",
    "draft",
    "plan_feature",
    "publish_feature",
    "refuse_live",
    "rollback_feature",
    "update_draft",
    "withdraw_feature",
]

EDITABLE = frozenset({*PLAIN, "menu", "pipeline", "roles"})
# A draft may still be without them; what is released may not, the checks before publishing see to it.
MAY_BE_EMPTY = ("form_schema", "output_schema")


def draft(key: str) -> Feature:
    """The draft. Raises `NotFound`."""
    found = Feature.objects.select_related("menu", "pipeline").filter(key=key).first()
    if found is None:
        raise NotFound()
    return found


def create_draft(key: str, fields: Mapping[str, Any], *, by: Any) -> Feature:
    """A new draft at revision 1.

    Raises `KeyTaken`, `ApprovalRight`, `InvalidRequest` for unknown fields, `ValidationError` for unfit ones.
    """
    _refuse_unknown(fields)
    feature = Feature(key=key)
    _check_approval(feature, fields, by)
    try:
        with transaction.atomic():
            _write(feature, fields, by=by)
    except IntegrityError as exc:
        raise KeyTaken(key=key) from exc
    return feature


def update_draft(key: str, changes: Mapping[str, Any], *, expected_revision: int, by: Any) -> Feature:
    """Change fields of the draft.

    Raises `StaleRevision` with what changed when it is no longer the revision the caller saw, `InvalidRequest` for
    unknown fields, `ApprovalRight` for who may not publish and touches `needs_approval`.
    Concurrency: the revision is claimed by a conditional update before anything is written.
    """
    _refuse_unknown(changes)
    with transaction.atomic():
        feature = claim_revision(key, expected_revision)
        _check_approval(feature, changes, by)
        _write(feature, changes, by=by)
    return feature


def delete_draft(key: str, *, expected_revision: int, by: Any) -> None:
    """Delete the draft; its versions, its log and its history stay.

    Raises `StillLive`, `FeaturePlanned`, `StaleRevision`. Concurrency: nobody publishes meanwhile.
    """
    with transaction.atomic():
        feature = claim_revision(key, expected_revision)
        refuse_live([feature])
        feature._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
        feature.delete()


def refuse_live(features: Iterable[Feature]) -> None:
    """Raises `StillLive` when one of `features` is released, or on its way to be; `FeaturePlanned` when it waits to be.

    Call it where they are deleted.
    """
    hold_releases()
    titles = {feature.key: str(feature) for feature in features}
    if live := live_uses(set(titles)):
        raise StillLive(live)
    if planned := next((plan.key for plan in publishing.open_plans(SCOPE) if plan.key in titles), None):
        raise FeaturePlanned(title=titles[planned])


def _refuse_unknown(fields: Mapping[str, Any]) -> None:
    unknown = sorted(set(fields) - EDITABLE)
    if unknown:
        raise InvalidRequest(
            details={"errors": [{"pointer": f"/{n}", "code": "unknown", "message": n} for n in unknown]}
        )


def _check_approval(feature: Feature, changes: Mapping[str, Any], by: Any) -> None:
    """Raises `ApprovalRight`. Without a person it is a command of whoever runs the machine."""
    wanted = changes.get("needs_approval", feature.needs_approval)
    if wanted != feature.needs_approval and by is not None and not may(by, "publish", feature if feature.pk else None):
        raise ApprovalRight()


def _write(feature: Feature, fields: Mapping[str, Any], *, by: Any) -> None:
    """Raises `ValidationError`."""
    for field, value in fields.items():
        if field != "roles":
            setattr(feature, field, value)
    _validate(feature)
    feature._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
    feature.save()
    if "roles" in fields:
        feature.roles.set(fields["roles"])


def _validate(feature: Feature) -> None:
    try:
        feature.full_clean(exclude=[name for name in MAY_BE_EMPTY if getattr(feature, name) == {}])
    except ValidationError as exc:
        if any(error.code == "unique" for error in exc.error_dict.get("key", [])):
            raise KeyTaken(key=feature.key) from exc
        raise


def claim_revision(key: str, expected: int) -> Feature:
    """The draft at its next revision, for the caller to change in this transaction.

    Raises `StaleRevision`, with what changed since, unless the draft is at `expected`.
    Concurrency: one conditional update; one of two wins.
    """
    if not Feature.objects.filter(key=key, revision=expected).update(revision=F("revision") + 1):
        raise StaleRevision(details={"revision": draft(key).revision, **meanwhile(key, expected).as_dict()})
    return draft(key)


def publish_feature(
    key: str,
    *,
    by: Any,
    note: str = "",
    confirm: bool = False,
    expected_version: int | None = None,
    expected_sha256: str = "",
) -> Snapshot:
    """Release the feature with everything it needs.

    `expected_version` (0: nothing) and `expected_sha256` are what the publisher looked at. Raises what
    `publishing.publish` does.
    """
    return publishing.publish(
        SCOPE,
        key,
        by=by,
        note=note,
        confirm=confirm,
        expected_live=expected_version,
        expected_sha256=expected_sha256,
    )


def rollback_feature(key: str, *, to_version: int, by: Any, note: str = "") -> Snapshot:
    """Make an older version live again, as a new version. Raises `VersionUnknown`, `NeverLive`."""
    return publishing.rollback(SCOPE, key, to_version=to_version, by=by, note=note)


def withdraw_feature(key: str, *, by: Any, note: str = "") -> Head:
    """Take the feature off: nobody gets any version; tasks that run go on. Raises `NothingLive`."""
    return publishing.withdraw(SCOPE, key, by=by, note=note)


def plan_feature(key: str, *, by: Any, ask: bool = False, **plan: Any) -> Plan:
    """Plan a release. Who may not publish can only propose, that is: have a second person asked.

    Raises `PublishRight`, and what `publishing.plan_release` does.
    """
    if not may(by, "publish", draft(key)) and not ask:
        raise PublishRight()
    return publishing.plan_release(SCOPE, key, by=by, ask=ask, **plan)
