"""Releases that wait: for their time, for a second person, or for both. What waits is frozen."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn

import structlog
from django.db import DatabaseError, transaction
from django.utils import timezone

from apps.core import states
from apps.core.errors import ApiError, InvalidRequest
from apps.core.publishing.canonical import canonical_json
from apps.core.publishing.errors import (
    DueInThePast,
    NothingChanged,
    NothingLive,
    PlanClosed,
    PlanOvertaken,
    PlanUnknown,
    SamePerson,
)
from apps.core.publishing.models import PLAN_TRANSITIONS, Head, Plan
from apps.core.publishing.services import rollouts
from apps.core.publishing.services.reading import Preview, head_of, preview, preview_of
from apps.core.publishing.services.releasing import (
    confirmed,
    ensure_as_seen,
    ensure_free,
    ensure_releasable,
    release,
    withdraw,
)
from apps.core.transactions import retry_on_conflict

log = structlog.get_logger("core")

OPEN = (Plan.Status.WAITING, Plan.Status.SCHEDULED)
BATCH = 50  # plans of one look; more are due only after a long stop


def plan_release(
    scope: str,
    key: str,
    *,
    by: Any,
    action: str = Plan.Action.PUBLISH,
    due_at: datetime | None = None,
    ask: bool = False,
    note: str = "",
    confirm: bool = False,
    expected_sha256: str = "",
    **rollout: Any,
) -> Plan:
    """Freeze the draft as it is, to be released at `due_at`, or when somebody else approves it, or both.

    `ask` demands a second person even where the thing itself does not. `rollout` takes `percent, roles, margin` for
    the action `rollout`. Raises what `publish` would, `DueInThePast`, and `InvalidRequest` when nothing is waited for.
    """
    if due_at is not None and due_at <= timezone.now():
        raise DueInThePast()
    if action == Plan.Action.WITHDRAW:
        frozen, needs_second = _for_withdrawal(scope, key), ask
    else:
        seen = preview(scope, key)
        ensure_as_seen(seen, live=None, sha256=expected_sha256)
        frozen, needs_second = _frozen(seen, confirm, note), ask or seen.needs_approval
    if not needs_second and due_at is None:
        _refuse_nothing_to_wait_for()
    shares = rollouts.checked_options(**rollout) if action == Plan.Action.ROLLOUT else {}
    return Plan.objects.create(
        scope=scope,
        key=key,
        action=action,
        status=Plan.Status.WAITING if needs_second else Plan.Status.SCHEDULED,
        due_at=due_at,
        options={"confirm": confirm, **shares},
        note=note,
        requested_by=by,
        **frozen,
    )


def _refuse_nothing_to_wait_for() -> NoReturn:
    words = "Give a time, or have a second person asked; without either publish now."
    raise InvalidRequest(details={"errors": [{"pointer": "/due_at", "code": "required", "message": words}]})


def _for_withdrawal(scope: str, key: str) -> dict[str, Any]:
    head = head_of(scope, key)
    if head is None or not (head.snapshot or head.candidate):
        raise NothingLive()
    return {"based_on": head.version}


def _frozen(seen: Preview, confirm: bool, note: str) -> dict[str, Any]:
    ensure_releasable(seen, confirm=confirm, note=note)
    if not seen.changes and seen.live_version:
        raise NothingChanged()
    return {
        "body": canonical_json(seen.payload),
        "sha256": seen.sha256,
        "based_on": seen.live_version or 0,
    }


def plan_of(plan_id: int) -> Plan:
    """One plan. Raises `PlanUnknown`."""
    found = Plan.objects.select_related("requested_by", "approved_by").filter(pk=plan_id).first()
    if found is None:
        raise PlanUnknown()
    return found


def plans_of(scope: str, key: str) -> list[Plan]:
    """Every plan of one thing, newest first, without the bodies."""
    rows = Plan.objects.filter(scope=scope, key=key).select_related("requested_by", "approved_by")
    return list(rows.defer("body"))


def open_plans(scope: str) -> list[Plan]:
    """What waits in `scope`, soonest first."""
    rows = Plan.objects.filter(scope=scope, status__in=OPEN).select_related("requested_by").defer("body")
    return list(rows.order_by("due_at", "id"))


def approve_plan(plan_id: int, *, by: Any, note: str = "") -> Plan:
    """Approve as the second person: it is released now, or at its time.

    Raises `SamePerson`, `PlanClosed`, `PlanOvertaken`, or what `publish` would; the plan goes on waiting then.
    """
    plan = plan_of(plan_id)
    if by is None or plan.requested_by_id == by.pk:
        raise SamePerson()
    decided = {"approved_by": by, "decided_at": timezone.now(), "decision_note": note}
    if plan.due_at and plan.due_at > timezone.now():
        _move(plan, Plan.Status.SCHEDULED, **decided)
    else:
        _carry_out(plan, **decided)
    return plan_of(plan_id)


def reject_plan(plan_id: int, *, by: Any, note: str = "") -> Plan:
    """Turn down a plan that waits for approval. Raises `PlanClosed`."""
    return _end(plan_id, Plan.Status.REJECTED, by=by, note=note)


def cancel_plan(plan_id: int, *, by: Any, note: str = "") -> Plan:
    """Call off a plan that has not happened yet. Raises `PlanClosed`."""
    return _end(plan_id, Plan.Status.CANCELLED, by=by, note=note)


def _end(plan_id: int, to: Plan.Status, *, by: Any, note: str) -> Plan:
    plan = plan_of(plan_id)
    _move(plan, to, decided_at=timezone.now(), decision_note=note)
    log.info("plan.ended", plan=plan_id, status=str(to), by=by.pk if by else None)
    return plan_of(plan_id)


def _move(plan: Plan, to: Plan.Status, **changes: Any) -> None:
    if not states.move(Plan.objects.filter(pk=plan.pk), PLAN_TRANSITIONS, to=to, **changes):
        raise PlanClosed()


def run_due_plans() -> int:
    """Carry out what is due; returns how many plans ended. Several callers at once do each plan once."""
    due = Plan.objects.filter(status=Plan.Status.SCHEDULED, due_at__lte=timezone.now())
    return sum(_carried_out_or_failed(plan) for plan in due.order_by("due_at", "id")[:BATCH])


def _carried_out_or_failed(plan: Plan) -> bool:
    try:
        _carry_out(plan)
    except PlanClosed:
        return False
    except DatabaseError:
        raise  # nothing is known then; the next look tries again
    except ApiError as exc:
        problem = exc.as_dict() | ({"details": exc.details} if exc.details else {})
        rows = Plan.objects.filter(pk=plan.pk)
        if not states.move(rows, PLAN_TRANSITIONS, to=Plan.Status.FAILED, problem=problem, decided_at=timezone.now()):
            return False  # called off at the same moment
        log.exception("plan.failed", plan=plan.pk, scope=plan.scope, key=plan.key, code=exc.code)
    return True


@retry_on_conflict
def _carry_out(plan: Plan, **decided: Any) -> None:
    """The plan's row and the release are one transaction: both, or neither."""
    with transaction.atomic():
        _move(plan, Plan.Status.DONE, **{"decided_at": timezone.now(), **decided})
        result = _DEEDS[plan.action](plan)
        Plan.objects.filter(pk=plan.pk).update(result_version=result)


def _publish(plan: Plan) -> int:
    head, seen = _looked_at_again(plan)
    expected = head.revision if head else 0
    details = confirmed(seen.breaks)
    done = release(
        plan.scope, plan.key, seen.payload, by=plan.requested_by, note=plan.note, expected=expected, details=details
    )
    return done.version


def _rollout(plan: Plan) -> int:
    _head, seen = _looked_at_again(plan)
    options = {name: value for name, value in plan.options.items() if name.startswith("rollout_")}
    return rollouts.begin(plan.scope, plan.key, seen, options, by=plan.requested_by, note=plan.note).version


def _withdraw(plan: Plan) -> int:
    return withdraw(plan.scope, plan.key, by=plan.requested_by, note=plan.note).version


_DEEDS: dict[str, Callable[[Plan], int]] = {
    Plan.Action.PUBLISH: _publish,
    Plan.Action.ROLLOUT: _rollout,
    Plan.Action.WITHDRAW: _withdraw,
}


def _looked_at_again(plan: Plan) -> tuple[Head | None, Preview]:
    """The frozen content, checked against the world of today. Raises what `publish` would, and `PlanOvertaken`."""
    head = head_of(plan.scope, plan.key)
    live = head.version if head else 0
    if live != plan.based_on and not _planned_earlier(plan, live):
        raise PlanOvertaken(live=live, based_on=plan.based_on)
    seen = preview_of(plan.scope, plan.key, plan.payload, head)
    ensure_releasable(seen, confirm=bool(plan.options.get("confirm")), note=plan.note)
    ensure_free(seen)
    return head, seen


def _planned_earlier(plan: Plan, live: int) -> bool:
    """Whether what is live came from a plan that was known when this one was made: a campaign and its end, say."""
    earlier = Plan.objects.filter(scope=plan.scope, key=plan.key, status=Plan.Status.DONE, pk__lt=plan.pk)
    return earlier.filter(result_version=live).exists()
