"""`manage.py run_prompt_cases [KEY]`: run the saved cases of one prompt, or of all that have any."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from apps.core.commands import Exit, Outcome, ServiceCommand, visible
from apps.prompts.models import CaseRun, Prompt
from apps.prompts.worker import run_cases


class Command(ServiceCommand):
    help = "Run saved cases on a model and keep the results; exit code 1 when a run did not pass."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "key", nargs="?", default="", help="the prompt: greeting, greeting@3 or greeting@production; none: all"
        )
        parser.add_argument("--model", default="", help="ask this model in the place of each prompt's own")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    def outcome(self, options: dict[str, Any]) -> Outcome:
        keys = [options["key"]] if options["key"] else _with_cases()
        runs = [run_cases(key, model=options["model"], by=None) for key in keys]
        failed = [run for run in runs if not run.passed]
        lines = [line for run in runs for line in _lines(run)] or ["No prompt has saved cases. Nothing to do."]
        data = {"runs": [_told(run) for run in runs], "failed": [run.reference for run in failed]}
        return Outcome(data, lines, Exit.REFUSED if failed else Exit.DONE)


def _with_cases() -> list[str]:
    return list(Prompt.objects.filter(cases__isnull=False).distinct().values_list("key", flat=True))


def _told(run: CaseRun) -> dict[str, Any]:
    names = ("reference", "model", "passed", "share", "p95_ms", "cost_micro", "reasons", "content_sha256", "results")
    return {"run": run.pk, **{name: getattr(run, name) for name in names}}


def _lines(run: CaseRun) -> Iterator[str]:
    verdict = "passed" if run.passed else f"FAILED ({', '.join(run.reasons)})"
    cost = "unknown" if run.cost_micro is None else f"{run.cost_micro} micro-credits"
    yield visible(f"{run.reference} on {run.model}: {verdict}; {run.share} %, p95 {run.p95_ms} ms, cost {cost}")
    for result in run.results:
        sign = "+" if result["passed"] else "-"
        yield visible(f"  {sign} {result['case']} ({result['latency_ms']} ms)")
        if result["error"]:
            yield visible(f"      {result['error']['message']} [{result['error']['code']}]")
        for check in result["checks"]:
            if not check["passed"]:
                yield visible(f"      {check['type']}: expected {check['expected']}; got {check['given']}")
