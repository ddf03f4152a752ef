"""Decisions about planned releases of features."""

from typing import Any

from apps.core.errors import Forbidden, NotFound
from apps.core.publishing import services as publishing
from apps.core.publishing.errors import PlanUnknown
from apps.core.publishing.models import Plan
from apps.features.models import Feature
from apps.features.publishing import SCOPE
from apps.features.rights import may

VERBS = ("approve", "reject", "cancel")


def plan_of(plan_id: int, *, key: str = "") -> Plan:
    """A plan of a feature, or of the feature `key`. Raises `PlanUnknown`."""
    plan = publishing.plan_of(plan_id)
    if plan.scope != SCOPE or (key and plan.key != key):
        raise PlanUnknown()
    return plan


def may_cancel(plan: Plan, user: Any) -> bool:
    """Who proposed it, and who may publish."""
    return bool(plan.requested_by_id == user.pk or may(user, "publish", _feature(plan)))


def _feature(plan: Plan) -> Feature | None:
    """The draft that it was made from, unless that was deleted."""
    return Feature.objects.filter(key=plan.key).first()


def decide(plan_id: int, verb: str, *, by: Any, note: str = "", key: str = "") -> Plan:
    """Approve, reject or cancel a plan, of the feature `key` where one is given.

    Raises `NotFound` for another verb, `Forbidden`, `PlanUnknown`, `PlanClosed`, and what approving does.
    """
    if verb not in VERBS:
        raise NotFound()
    plan = plan_of(plan_id, key=key)
    if verb == "cancel":
        if not may_cancel(plan, by):
            raise Forbidden()
        return publishing.cancel_plan(plan_id, by=by, note=note)
    if not may(by, "publish", _feature(plan)):
        raise Forbidden()
    deed = publishing.approve_plan if verb == "approve" else publishing.reject_plan
    return deed(plan_id, by=by, note=note)
