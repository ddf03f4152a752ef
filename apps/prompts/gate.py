"""What a run of cases is bound to, and what it has to reach."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from apps.core.publishing.canonical import sha256_of
from apps.prompts.models import CaseRun, Prompt, PromptCase, RunStatus
from apps.prompts.variables import Prompts, included_by

PLAIN = ("system", "body", "variables")


def content_sha256(reference: str, prompts: Prompts) -> str:
    """The hash of a prompt's text and variables with those of everything that it includes, in `prompts`.

    A draft and a version with the same content have the same. Raises `TemplateInvalid`.
    """
    own = prompts[reference]
    included = {name: prompts[name] for name in included_by(own, prompts)}
    return sha256_of(
        {
            **{field: own[field] for field in PLAIN},
            "included": {name: [text["body"], text["variables"]] for name, text in included.items()},
        }
    )


@dataclass(frozen=True)
class Thresholds:
    """What the cases that count have to reach together; None: any."""

    share: int
    p95_ms: int | None = None
    cost_micro: int | None = None

    def shortfalls(self, *, share: int, p95_ms: int, cost_micro: int | None) -> list[str]:
        """What was not reached: `share`, `p95`, `cost`, `cost_unknown`."""
        found = ["share"] if share < self.share else []
        if self.p95_ms is not None and p95_ms > self.p95_ms:
            found.append("p95")
        if self.cost_micro is not None:
            found += ["cost_unknown"] if cost_micro is None else ["cost"] if cost_micro > self.cost_micro else []
        return found


def thresholds_of(prompt: Prompt) -> Thresholds:
    """What the prompt's cases have to reach."""
    return Thresholds(prompt.gate_share, prompt.gate_p95_ms, prompt.gate_cost_micro)


def cases_sha256(prompt: Prompt, cases: Iterable[PromptCase]) -> str:
    """The hash of what counts for the gate: the cases, and what they have to reach."""
    counted = {case["name"]: case for case in gating([case.as_judged() for case in cases])}
    return sha256_of({"cases": counted, "gate": list(astuple(thresholds_of(prompt)))})


def gating(cases: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The cases, or their results, that count: those with the gate on, or all where none has."""
    return [case for case in cases if case["gated"]] or list(cases)


@dataclass(frozen=True)
class Verdict:
    """What the results of a run come to, in the words of its row."""

    passed: bool
    share: int
    p95_ms: int
    cost_micro: int | None
    reasons: list[str]


def verdict_of(results: Sequence[Mapping[str, Any]], thresholds: Thresholds) -> Verdict:
    """What `results`, one for each case, come to."""
    counted = gating(results)
    share = sum(bool(result["passed"]) for result in counted) * 100 // max(1, len(counted))
    slowest = p95([result["latency_ms"] for result in counted])
    costs = [result["cost_micro"] for result in counted]
    cost = None if None in costs else sum(costs)
    reasons = thresholds.shortfalls(share=share, p95_ms=slowest, cost_micro=cost)
    return Verdict(not reasons, share, slowest, cost, reasons)


def p95(latencies: Sequence[int]) -> int:
    """The latency that 95 % keep: the nearest rank, so that of few cases it is the slowest."""
    ordered = sorted(latencies)
    return ordered[math.ceil(0.95 * len(ordered)) - 1] if ordered else 0


def failing(results: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of the gated cases that did not pass in a run."""
    return [str(result["case"]) for result in results if result["gated"] and not result["passed"]]


Bound = tuple[str, str, str, str]  # key, content, cases, model


def newest_runs(wanted: Iterable[Bound]) -> tuple[dict[Bound, CaseRun], dict[Bound, CaseRun]]:
    """For each of `wanted` the newest run that finished, and the one that goes on; one query for all.

    What was never run, or not to the end, is in neither.
    """
    asked = set(wanted)
    finished: dict[Bound, CaseRun] = {}
    going_on: dict[Bound, CaseRun] = {}
    if not asked:
        return finished, going_on
    rows = CaseRun.objects.filter(
        prompt__key__in={key for key, *_rest in asked},
        content_sha256__in={content for _key, content, *_rest in asked},
    )
    for run in rows.select_related("prompt").defer("plan").order_by("id"):
        bound = (run.prompt.key, run.content_sha256, run.cases_sha256, run.model)
        if bound not in asked:
            continue
        if run.is_open:
            going_on[bound] = run
        elif run.status == RunStatus.FINISHED:
            finished[bound] = run
    return finished, going_on
