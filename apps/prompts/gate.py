"""What a run of cases is bound to, and what it has to reach."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apps.core.publishing.canonical import sha256_of
from apps.prompts.models import CaseRun, Prompt, PromptCase
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


def cases_sha256(prompt: Prompt, cases: Iterable[PromptCase]) -> str:
    """The hash of what counts for the gate: the cases, and what they have to reach."""
    counted = {case.name: case.as_judged() for case in gating(list(cases))}
    return sha256_of({"cases": counted, "gate": [prompt.gate_share, prompt.gate_p95_ms, prompt.gate_cost_micro]})


def gating(cases: Sequence[PromptCase]) -> list[PromptCase]:
    """The cases that count: those with the gate on, or all where none has."""
    return [case for case in cases if case.gated] or list(cases)


def p95(latencies: Sequence[int]) -> int:
    """The latency that 95 % keep: the nearest rank, so that of few cases it is the slowest."""
    ordered = sorted(latencies)
    return ordered[math.ceil(0.95 * len(ordered)) - 1] if ordered else 0


def shortfalls(prompt: Prompt, *, share: int, p95_ms: int, cost_micro: int | None) -> list[str]:
    """What of the prompt's thresholds was not reached: `share`, `p95`, `cost`, `cost_unknown`."""
    found = ["share"] if share < prompt.gate_share else []
    if prompt.gate_p95_ms is not None and p95_ms > prompt.gate_p95_ms:
        found.append("p95")
    if prompt.gate_cost_micro is not None:
        found += ["cost_unknown"] if cost_micro is None else ["cost"] if cost_micro > prompt.gate_cost_micro else []
    return found


def failing(results: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of the gated cases that did not pass in a run."""
    return [str(result["case"]) for result in results if result["gated"] and not result["passed"]]


def newest_runs(wanted: Iterable[tuple[str, str, str, str]]) -> dict[tuple[str, str, str, str], CaseRun]:
    """The newest run for each of `(key, content, cases, model)`, in one query; what was never run is not in it."""
    asked = set(wanted)
    if not asked:
        return {}
    rows = CaseRun.objects.filter(
        prompt__key__in={key for key, *_rest in asked},
        content_sha256__in={content for _key, content, *_rest in asked},
    )
    found = {}
    for run in rows.select_related("prompt").order_by("id"):
        bound = (run.prompt.key, run.content_sha256, run.cases_sha256, run.model)
        if bound in asked:
            found[bound] = run
    return found
