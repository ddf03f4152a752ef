"""Running saved cases: each is a trial, and its checks are judged by what came out."""

from typing import Any, Final

from django.utils.translation import gettext as _

from apps.core.publishing.canonical import canonical_json
from apps.pipelines.models import Pipeline, PipelineCase
from apps.prompts.checking import Reply
from apps.tasks.models import Task
from apps.tasks.trials.errors import TrialInvalid

MOST_CASES: Final = 50  # that are run at once


def cases_of(pipeline: Pipeline, names: list[str] | None) -> list[PipelineCase]:
    """The cases with these names, or all. Raises `TrialInvalid` for one that is not there, for none, or too many."""
    rows = list(PipelineCase.objects.filter(pipeline=pipeline))
    if names is not None:
        known = {row.name: row for row in rows}
        if missing := [name for name in names if name not in known]:
            raise TrialInvalid(what=_("there is no case “%(case)s”.") % {"case": missing[0]})
        rows = [known[name] for name in dict.fromkeys(names)]
    if not rows:
        raise TrialInvalid(what=_("the pipeline has no cases yet."))
    if len(rows) > MOST_CASES:
        raise TrialInvalid(what=_("%(count)s cases are too many at once; name at most %(most)s of them.")
                           % {"count": len(rows), "most": MOST_CASES})  # fmt: skip
    return rows


def checks_of(task: Task) -> list[Any] | None:
    """The checks of the case that the trial runs, as they were when it began; None for a trial of no case."""
    source = task.source or {}
    return list(source.get("checks") or []) if source.get("case") else None


def reply_of(task: Task, cost_micro: int) -> Reply:
    """What the checks look at: the one text of the output, or the whole output as JSON."""
    output = task.output or {}
    texts = [value for value in output.values() if isinstance(value, str)]
    text = texts[0] if len(output) == 1 and texts else canonical_json(output)
    started, ended = task.started_at, task.finished_at
    spent = round((ended - started).total_seconds() * 1000) if started and ended else 0
    return Reply(text=text, latency_ms=spent, cost_micro=cost_micro)
