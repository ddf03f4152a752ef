"""Run a prompt's saved cases on a model, and keep what came of it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog

from apps.core.errors import ApiError
from apps.prompts.asking import Asked, ask_all
from apps.prompts.checking import Reply, judge
from apps.prompts.errors import NoCases, PromptVersionUnknown
from apps.prompts.gate import cases_sha256, content_sha256, gating, p95, shortfalls
from apps.prompts.models import CaseRun, Prompt, PromptCase
from apps.prompts.reference import reference_of
from apps.prompts.services.cases import cases_of
from apps.prompts.services.drafts import draft
from apps.prompts.services.filling import FilledPrompt, collect_prompts, fill_prompt
from apps.prompts.variables import Prompts
from apps.providers.catalogue import candidates

log = structlog.get_logger("prompts")

MAX_OUTPUT: Final = 20_000  # characters of an answer that are kept; all of it is checked


def run_cases(reference: str, *, model: str = "", by: Any) -> CaseRun:
    """Fill the prompt with each case's values, ask `model`, check the answers, and keep the run.

    `reference` may name the draft, a version or a label. Without `model` it is the prompt's default, or whoever
    answers chats now. What goes wrong with a case is its result. Raises `NotFound`, `PromptVersionUnknown`,
    `NoCases`, `NoRoute`, and `TemplateInvalid` when the text cannot be filled for any values.
    """
    key = reference_of(reference).key
    prompt = draft(key)
    cases = list(cases_of(key))
    if not cases:
        raise NoCases(key=key)
    prompts = collect_prompts([reference])
    if reference not in prompts:
        raise PromptVersionUnknown(key=key, at=reference.partition("@")[2][:64])
    content = content_sha256(reference, prompts)
    wanted = candidates("chat", model=model or str(prompt.model_defaults.get("model") or ""))[0].model
    results = _results(cases, reference, prompts, model=wanted, defaults=prompt.model_defaults)
    run = _kept(prompt, cases, results, reference=reference, content=content, model=wanted, by=by)
    log.info("cases.run", prompt=reference, model=wanted, passed=run.passed, share=run.share, run=run.pk)
    return run


def latest_run(key: str) -> CaseRun | None:
    """The prompt's newest run. Raises `NotFound`."""
    return CaseRun.objects.filter(prompt=draft(key)).select_related("by", "prompt").first()


def _results(
    cases: Sequence[PromptCase], reference: str, prompts: Prompts, *, model: str, defaults: Mapping[str, Any]
) -> list[dict[str, Any]]:
    filled = [_filled(case, reference, prompts) for case in cases]
    questions = [question for question in filled if isinstance(question, FilledPrompt)]
    answers = iter(ask_all(questions, model=model, defaults=defaults))
    return [
        _result(case, next(answers) if isinstance(question, FilledPrompt) else Asked(0, error=question))
        for case, question in zip(cases, filled, strict=True)
    ]


def _filled(case: PromptCase, reference: str, prompts: Prompts) -> FilledPrompt | ApiError:
    try:
        return fill_prompt(prompts[reference], case.values, prompts=prompts)
    except ApiError as exc:
        return exc


def _result(case: PromptCase, asked: Asked) -> dict[str, Any]:
    """One case's line: what was said, how long it took, and every verdict."""
    answer = asked.answer
    told = {"case": case.name, "gated": case.gated, "latency_ms": asked.latency_ms, "cost_micro": asked.cost_micro}
    if answer is None:
        error = asked.error.as_dict() if asked.error else None
        return {**told, "passed": False, "output": "", "checks": [], "error": error, "tokens": None}
    reply = Reply(answer.text, asked.latency_ms, asked.cost_micro)
    verdicts = judge(case.checks, reply)
    tokens = {"input": answer.usage.input_tokens, "output": answer.usage.output_tokens}
    return {
        **told,
        "passed": all(verdict.passed for verdict in verdicts),
        "output": answer.text[:MAX_OUTPUT],
        "checks": [verdict.as_dict() for verdict in verdicts],
        "error": None,
        "tokens": tokens,
    }


def _kept(
    prompt: Prompt, cases: Sequence[PromptCase], results: list[dict[str, Any]], *, by: Any, **bound: str
) -> CaseRun:
    names = {case.name for case in gating(cases)}
    counted = [result for result in results if result["case"] in names]
    share = sum(result["passed"] for result in counted) * 100 // len(counted)
    slowest = p95([result["latency_ms"] for result in counted])
    costs = [result["cost_micro"] for result in counted]
    cost = None if None in costs else sum(costs)
    reasons = shortfalls(prompt, share=share, p95_ms=slowest, cost_micro=cost)
    return CaseRun.objects.create(
        prompt=prompt,
        reference=bound["reference"],
        content_sha256=bound["content"],
        cases_sha256=cases_sha256(prompt, cases),
        model=bound["model"],
        passed=not reasons,
        share=share,
        p95_ms=slowest,
        cost_micro=cost,
        reasons=reasons,
        results=results,
        by=by,
    )
