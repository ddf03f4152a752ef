"""Work on a run of cases until it ends, is called off, or this process stops."""

import threading
import time
from collections.abc import Mapping
from typing import Any, Final

import structlog
from django.db import DatabaseError
from django.utils import translation

from apps.core.errors import ApiError, InternalError
from apps.prompts.asking import Asked, asking
from apps.prompts.checking import Reply, judge
from apps.prompts.models import CaseRun
from apps.prompts.services import working
from apps.prompts.services.filling import FilledPrompt, fill_prompt
from apps.prompts.services.runs import order_run, run_of

log = structlog.get_logger("prompts")

MAX_OUTPUT: Final = 20_000  # characters of an answer that are kept; all of it is checked
LOOK_SECONDS: Final = 1.0  # between two looks whether the run is still ours, while no answer comes

_stopping = threading.Event()


def run_cases(reference: str, *, model: str = "", by: Any) -> CaseRun:
    """Run the cases now, in this process, and return when the run has ended: see `start_run`.

    What goes wrong with a case is its result. Where somebody runs just this already, wait for that run.
    """
    run = order_run(reference, model=model, by=by)
    while not work_on(run.pk):
        run = run_of(run.prompt.key, run.pk)
        if not run.is_open:
            break
        time.sleep(LOOK_SECONDS)
    return run_of(run.prompt.key, run.pk)


def stop_working() -> None:
    """Let go of every run soon; for a worker that shuts down."""
    _stopping.set()


def work_on(run_id: int) -> bool:
    """Claim the run and work on it; False when there was nothing to claim.

    Cases that were answered before are not asked again. Concurrency: who loses the claim stops within moments.
    """
    run = None if _stopping.is_set() else working.claim_run(run_id)
    if run is None:
        return False
    try:
        with translation.override(run.language or None):
            _work(run)
            working.finish_run(run)
    except working.RunLost:
        log.info("cases.let_go", run=run.pk)
    except DatabaseError:
        # The truth cannot be written now; the lease lapses, and another worker goes on from the last answer.
        log.exception("cases.database_failed", run=run.pk)
    except ApiError as exc:
        working.fail_run(run, exc)
    except Exception:
        log.exception("cases.crashed", run=run.pk)
        working.fail_run(run, InternalError())
    else:
        log.info("cases.run", prompt=run.reference, model=run.model, run=run.pk)
    return True


def _work(run: CaseRun) -> None:
    cases, there = run.plan["cases"], working.answered(run)
    todo = {at: _filled(case, run.plan) for at, case in enumerate(cases) if at not in there}
    for at, question in todo.items():
        if isinstance(question, ApiError):
            working.keep_answer(run, at, _result(cases[at], Asked(0, error=question)))
    questions = {at: question for at, question in todo.items() if isinstance(question, FilledPrompt)}
    left = len(questions)
    with asking(questions, model=run.model, defaults=run.plan["defaults"]) as answers:
        while left:
            if _stopping.is_set():
                working.let_go(run)
                raise working.RunLost
            found = answers.next(seconds=LOOK_SECONDS)
            if found is None:
                working.renew_run(run)
                continue
            working.keep_answer(run, found[0], _result(cases[found[0]], found[1]))
            left -= 1


def _filled(case: Mapping[str, Any], plan: Mapping[str, Any]) -> FilledPrompt | ApiError:
    try:
        return fill_prompt(plan["prompts"][plan["own"]], case["values"], prompts=plan["prompts"])
    except ApiError as exc:
        return exc


def _result(case: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
    """One case's line: what was said, how long it took, and every verdict."""
    answer = asked.answer
    told = {"case": case["name"], "gated": case["gated"], "latency_ms": asked.latency_ms}
    told |= {"cost_micro": asked.cost_micro}
    if answer is None:
        error = asked.error.as_dict() if asked.error else None
        return {**told, "passed": False, "output": "", "checks": [], "error": error, "tokens": None}
    reply = Reply(answer.text, asked.latency_ms, asked.cost_micro)
    verdicts = judge(case["checks"], reply)
    tokens = {"input": answer.usage.input_tokens, "output": answer.usage.output_tokens}
    return {
        **told,
        "passed": all(verdict.passed for verdict in verdicts),
        "output": answer.text[:MAX_OUTPUT],
        "checks": [verdict.as_dict() for verdict in verdicts],
        "error": None,
        "tokens": tokens,
    }
