"""A worker's side of a run of cases: claim it, keep each answer, end it once.

Every write asks for the fencing token of the claim.
"""

from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.core import states
from apps.core.errors import ApiError
from apps.core.transactions import retry_on_conflict
from apps.prompts.errors import RunAbandoned
from apps.prompts.gate import Thresholds, verdict_of
from apps.prompts.models import RUN_TRANSITIONS, CaseAnswer, CaseRun, RunStatus

log = structlog.get_logger("prompts")

LEASE_SECONDS: Final = 20.0  # without a sign of life; then another worker may take the run
MOST_CLAIMS: Final = 3  # without one more answer


class RunLost(Exception):
    """The run is no longer this claim's: it was called off, or is in other hands."""


def claim_run(run_id: int) -> CaseRun | None:
    """Take the run, or None when it is not there, in other hands, or ended.

    Concurrency: one conditional update; every claim grows the fencing token, so a former worker's writes miss. A run
    that was claimed too often without an answer is failed, and None answered.
    """
    moved = states.move(
        CaseRun.objects.claimable().filter(pk=run_id),
        RUN_TRANSITIONS,
        to=RunStatus.RUNNING,
        lease_until=_lease(),
        fencing_token=F("fencing_token") + 1,
        stalled_claims=F("stalled_claims") + 1,
        started_at=Coalesce("started_at", timezone.now()),
    )
    run = CaseRun.objects.select_related("prompt").filter(pk=run_id).first() if moved else None
    if run is not None and run.stalled_claims > MOST_CLAIMS:
        fail_run(run, RunAbandoned(times=MOST_CLAIMS))
        return None
    return run


def renew_run(run: CaseRun) -> None:
    """Keep the run for another lease. Raises `RunLost`."""
    if not _held(run).update(lease_until=_lease()):
        raise RunLost


def let_go(run: CaseRun) -> None:
    """Give the run back, for the next worker to take at once."""
    _held(run).update(lease_until=timezone.now() - timedelta(seconds=1), stalled_claims=0)


def answered(run: CaseRun) -> set[int]:
    """The positions of the cases whose results are there already."""
    return set(CaseAnswer.objects.filter(run=run).values_list("position", flat=True))


@retry_on_conflict
def keep_answer(run: CaseRun, position: int, result: dict[str, Any]) -> None:
    """Keep one case's result. Raises `RunLost`; nothing is written then."""
    with transaction.atomic():
        if not _held(run).update(done=F("done") + 1, stalled_claims=0, lease_until=_lease()):
            raise RunLost
        CaseAnswer.objects.create(run=run, position=position, result=result)


def finish_run(run: CaseRun) -> None:
    """End the run with what its answers come to. Raises `RunLost`."""
    if not end_run(_held(run), run.pk, to=RunStatus.FINISHED):
        raise RunLost


def fail_run(run: CaseRun, error: ApiError) -> None:
    """End the run because of `error`, unless it has ended or is in other hands."""
    if end_run(_held(run), run.pk, to=RunStatus.FAILED, error=error.as_dict()):
        log.error("cases.failed", run=run.pk, code=error.code)


@retry_on_conflict
def end_run(rows: QuerySet[CaseRun], run_id: int, *, to: RunStatus, **changes: Any) -> bool:
    """Move the run, one of `rows`, to an end, with the answers that it has; False when it has ended already.

    Only what finished has a verdict.
    """
    with transaction.atomic():
        if not states.move(rows, RUN_TRANSITIONS, to=to, ended_at=timezone.now(), open_key=None, **changes):
            return False
        # The row is locked by the move: nobody adds an answer meanwhile.
        kept = CaseAnswer.objects.filter(run_id=run_id)
        results = [answer.result for answer in kept.order_by("position")]
        run = CaseRun.objects.get(pk=run_id)
        thresholds = Thresholds(**run.plan["thresholds"]) if to == RunStatus.FINISHED else None
        verdict = asdict(verdict_of(results, thresholds)) if thresholds else {}
        CaseRun.objects.filter(pk=run_id).update(results=results, **verdict)
        kept.delete()
    return True


def _held(run: CaseRun) -> QuerySet[CaseRun]:
    return CaseRun.objects.held_by(run.fencing_token).filter(pk=run.pk)


def _lease() -> Any:
    return timezone.now() + timedelta(seconds=LEASE_SECONDS)
