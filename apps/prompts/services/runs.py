"""Order a run of a prompt's saved cases, look at it, call it off."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone, translation

from apps.core.outbox.services import enqueue
from apps.core.publishing.canonical import sha256_of
from apps.core.transactions import retry_on_conflict
from apps.prompts.errors import NoCases, PromptVersionUnknown, RunEnded, RunUnknown
from apps.prompts.gate import cases_sha256, content_sha256, thresholds_of
from apps.prompts.models import CaseRun, Prompt, PromptCase, PromptVersion, RunStatus
from apps.prompts.models.run import CaseRunQuerySet
from apps.prompts.reference import reference_of
from apps.prompts.services.cases import cases_of
from apps.prompts.services.drafts import draft
from apps.prompts.services.filling import collect_prompts
from apps.prompts.services.working import end_run
from apps.prompts.variables import Prompts
from apps.providers.catalogue import candidates

log = structlog.get_logger("prompts")

RUN_JOB: Final = "prompts.run_cases"
WAKE_SECONDS: Final = 15.0  # a run that nobody has begun by then was lost by the broker
SOON_SECONDS: Final = 2.0
SWEEP_BATCH: Final = 50
TRIES: Final = 3  # to order a run while another one for the same ends


def start_run(reference: str, *, model: str = "", by: Any) -> CaseRun:
    """Order a run of the cases, to be worked on in the background; returns its row at once.

    `reference` may name the draft, a version or a label. Without `model` it is the prompt's default, or whoever
    answers chats now. Texts, cases and thresholds are frozen as they are. Where a run of just this is open already, it
    is that one. Raises `NotFound`, `PromptVersionUnknown`, `NoCases`, `NoRoute`, and `TemplateInvalid` when the text
    cannot be filled for any values. Concurrency: of two orders for the same there is one run.
    """
    return _opened(_drawn_up(reference, model=model, by=by), wake=True)


def order_run(reference: str, *, model: str = "", by: Any) -> CaseRun:
    """The same for a caller that works on it in its own process; a worker takes it over when that one is gone."""
    return _opened(_drawn_up(reference, model=model, by=by), wake=False)


def run_of(key: str, run_id: int) -> CaseRun:
    """One run of the prompt, with the answers so far. Raises `RunUnknown`, `NotFound`."""
    found = runs_of(key).filter(pk=run_id).first()
    if found is None:
        raise RunUnknown(key=key, run=run_id)
    return found


def runs_of(key: str) -> CaseRunQuerySet:
    """Every run of the prompt, the newest first. Raises `NotFound`."""
    return CaseRun.objects.for_list().filter(prompt=draft(key))


def latest_run(key: str) -> CaseRun | None:
    """The prompt's newest run that finished. Raises `NotFound`."""
    return runs_of(key).filter(status=RunStatus.FINISHED).first()


def cancel_run(key: str, run_id: int, *, by: Any) -> CaseRun:
    """Call the run off; what was answered until then is kept. Raises `RunUnknown`, `RunEnded`."""
    run = run_of(key, run_id)
    if not end_run(CaseRun.objects.filter(pk=run.pk), run.pk, to=RunStatus.CANCELLED):
        raise RunEnded()
    log.info("cases.cancelled", prompt=run.reference, run=run.pk, by=by.pk if by else None)
    return run_of(key, run_id)


def sweep_runs() -> int:
    """Wake workers for runs that nobody works on; returns how many. Idempotent and bounded."""
    forgotten = CaseRun.objects.forgotten(seconds=WAKE_SECONDS).values_list("pk", "woken_at")[:SWEEP_BATCH]
    woken = sum(_woken(pk, woken_at) for pk, woken_at in list(forgotten))
    if woken:
        log.warning("cases.swept", count=woken)
    return woken


def wake_soon(run_id: int) -> None:
    """Have the sweeper wake a worker for the run in a moment: this one has no place for it."""
    soon = timezone.now() - timedelta(seconds=WAKE_SECONDS - SOON_SECONDS)
    CaseRun.objects.claimable().filter(pk=run_id).update(woken_at=soon)


def _woken(run_id: int, woken_at: Any) -> bool:
    """Two sweepers at once: the one whose update matches the old stamp wakes, the other does not."""
    with transaction.atomic():
        rows = CaseRun.objects.opened().filter(pk=run_id, woken_at=woken_at)
        if not rows.update(woken_at=timezone.now()):
            return False
        enqueue(RUN_JOB, run_id)
    return True


# --- ordering ---------------------------------------------------------------------------------


def _drawn_up(reference: str, *, model: str, by: Any) -> CaseRun:
    """The row of a new run, not yet written."""
    key = reference_of(reference).key
    prompt = draft(key)
    cases = list(cases_of(key))
    if not cases:
        raise NoCases(key=key)
    prompts = collect_prompts([reference])
    if reference not in prompts:
        raise PromptVersionUnknown(key=key, at=reference.partition("@")[2][:64])
    bound = {
        "content_sha256": content_sha256(reference, prompts),
        "cases_sha256": cases_sha256(prompt, cases),
        "model": candidates("chat", model=model or str(prompt.model_defaults.get("model") or ""))[0].model,
    }
    plan = _plan(prompt, cases, reference, prompts)
    return CaseRun(
        prompt=prompt,
        reference=reference,
        version=_version(prompt, prompts[reference]),
        open_key=sha256_of({"prompt": prompt.pk, "model": bound["model"], "plan": plan}),
        total=len(cases),
        plan=plan,
        language=translation.get_language() or "",
        by=by,
        **bound,
    )


def _plan(prompt: Prompt, cases: list[PromptCase], reference: str, prompts: Prompts) -> dict[str, Any]:
    return {
        "own": reference,
        "prompts": prompts,
        "cases": [case.as_judged() for case in cases],
        "defaults": prompt.model_defaults,
        "thresholds": asdict(thresholds_of(prompt)),
    }


def _version(prompt: Prompt, text: Any) -> int | None:
    """The number of the saved version that holds `text`."""
    if "version" in text:
        return int(text["version"])
    same = PromptVersion.objects.filter(prompt=prompt, sha256=sha256_of(prompt.as_released()))
    return same.order_by("-number").values_list("number", flat=True).first()


@retry_on_conflict
def _opened(run: CaseRun, *, wake: bool) -> CaseRun:
    for _attempt in range(TRIES):
        try:
            with transaction.atomic():
                run.pk = None
                run.save(force_insert=True)
                if wake:
                    enqueue(RUN_JOB, run.pk)
        except IntegrityError:
            if joined := CaseRun.objects.opened().filter(open_key=run.open_key).first():
                return joined
        else:
            log.info("cases.ordered", prompt=run.reference, model=run.model, run=run.pk)
            return run
    raise RunEnded()
