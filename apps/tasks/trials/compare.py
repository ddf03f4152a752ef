"""Two runs side by side, step by step: what is the same, what differs, and where."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from apps.core.publishing.canonical import sha256_of
from apps.core.storage.models import StoredFile
from apps.core.storage.naming import named_files
from apps.pipelines.nodes import node_types
from apps.tasks.models import StepRun, Task
from apps.tasks.trials.values import seconds_between

Change = Literal["same", "differs", "only_a", "only_b"]
MOST_DIFFERENCES: Final = 50  # of one value; more tells nobody anything
LONGEST: Final = 500  # characters of a value in a difference
# What may be another every time though the step did the same; it is told apart.
VOLATILE: Final[Mapping[str, frozenset[str]]] = {"models": frozenset({"model", "mock", "degraded"})}
MISSING: Final = object()


@dataclass(frozen=True)
class Difference:
    """One place of a value, and what stands there in each run; None in the run that has nothing there."""

    pointer: str
    a: Any
    b: Any
    volatile: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {"pointer": self.pointer, "a": _short(self.a), "b": _short(self.b), "volatile": self.volatile}


def compare(one: Task, other: Task) -> dict[str, Any]:
    """Every step of run `one` (a) and run `other` (b), in the order in which they began, and the outputs."""
    a, b = _steps(one), _steps(other)
    paths = [*a, *(path for path in b if path not in a)]
    files = _Files.of([*a.values(), *b.values()], [one, other])
    steps = [_compared(path, a.get(path), b.get(path), files) for path in paths]
    output = differences(one.output, other.output, files=files.same)
    return {
        "a": _run(one, a.values()),
        "b": _run(other, b.values()),
        "steps": steps,
        "output": {"change": "differs" if output else "same", "diff": [one.as_dict() for one in output]},
        "changed": [step["path"] for step in steps if step["change"] != "same"],
    }


def differences(
    a: Any, b: Any, *, volatile: frozenset[str] = frozenset(), files: Mapping[str, str] | None = None
) -> list[Difference]:
    """Where `a` and `b` differ, as JSON pointers, at most `MOST_DIFFERENCES`.

    `volatile` names fields of the top level that are told apart; `files` gives what stands for a file's content by the
    file's id, so that two ids of the same picture are the same.
    """
    found: list[Difference] = []
    _walk(a, b, "", found, files or {})
    return [Difference(d.pointer, d.a, d.b, d.pointer.strip("/").split("/")[0] in volatile) for d in found]


def _walk(a: Any, b: Any, at: str, found: list[Difference], files: Mapping[str, str]) -> None:
    if len(found) >= MOST_DIFFERENCES or _alike(a, b, files):
        return
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for name in [*a, *(name for name in b if name not in a)]:
            _walk(a.get(name, MISSING), b.get(name, MISSING), f"{at}/{_escaped(name)}", found, files)
    elif isinstance(a, list) and isinstance(b, list):
        for index in range(max(len(a), len(b))):
            left, right = (side[index] if index < len(side) else MISSING for side in (a, b))
            _walk(left, right, f"{at}/{index}", found, files)
    else:
        found.append(Difference(at, a, b))


def _alike(a: Any, b: Any, files: Mapping[str, str]) -> bool:
    """Equal, and of one type: `1` and `true` are not, `1` and `1.0` are."""
    if isinstance(a, str) and isinstance(b, str):
        return a == b or (a in files and files[a] == files.get(b))
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    return (type(a) in (int, float) and type(b) in (int, float) and a == b) or (a is None and b is None)


def _escaped(name: Any) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")


def _short(value: Any) -> Any:
    if value is MISSING:
        return None
    written = value if isinstance(value, str) else None
    if written is None and isinstance(value, Mapping | list):
        written = str(value)
        return written if len(written) <= LONGEST else f"{written[:LONGEST]}…"
    return f"{written[:LONGEST]}…" if written is not None and len(written) > LONGEST else value


def _steps(task: Task) -> dict[str, StepRun]:
    rows = StepRun.objects.filter(task=task).order_by("id")
    return {row.path: row for row in rows}


def _compared(path: str, a: StepRun | None, b: StepRun | None, files: "_Files") -> dict[str, Any]:
    told: dict[str, Any] = {"path": path, "a": _told(a), "b": _told(b), "change": _change(a, b), "diff": []}
    told["type"] = (a or b).type if (a or b) else ""  # type: ignore[union-attr]  # asked for just before
    if a is None or b is None:
        return told
    found = differences(a.output, b.output, volatile=_volatile(a), files=files.same)
    told["diff"] = [one.as_dict() for one in found]
    inputs = differences(a.inputs, b.inputs, files=files.same)
    told["input_diff"] = [one.as_dict() for one in inputs]
    if told["change"] == "same" and any(not one.volatile for one in found):
        told["change"] = "differs"
    return told


def _change(a: StepRun | None, b: StepRun | None) -> Change:
    if a is None or b is None:
        return "only_b" if a is None else "only_a"
    alike = (a.status, a.branch, _reason(a)) == (b.status, b.branch, _reason(b))
    return "same" if alike else "differs"


def _reason(step: StepRun) -> str:
    return str((step.error or {}).get("code", ""))


def _volatile(step: StepRun) -> frozenset[str]:
    kind = node_types().get(step.type)
    return VOLATILE.get(kind.category, frozenset()) if kind else frozenset()


def _told(step: StepRun | None) -> dict[str, Any] | None:
    if step is None:
        return None
    return {
        "status": "reused" if step.reused else step.status,
        "type": step.type,
        "branch": step.branch,
        "attempts": step.attempts,
        "output_sha256": sha256_of(step.output) if step.output is not None else "",
        "duration": seconds_between(step.started_at, step.finished_at),
        "cost_micro": int((step.usage or {}).get("cost_micro") or 0),
        "error": step.error,
    }


def _run(task: Task, steps: Iterable[StepRun]) -> dict[str, Any]:
    return {
        "id": str(task.pk),
        "kind": task.kind,
        "status": task.status,
        "feature": task.feature,
        "version": task.version,
        "duration": seconds_between(task.started_at, task.finished_at),
        "cost_micro": sum(int((step.usage or {}).get("cost_micro") or 0) for step in steps),
        "created_at": task.created_at.isoformat(),
        "error": task.error,
    }


@dataclass(frozen=True)
class _Files:
    same: Mapping[str, str]  # the hash of a file's content by its id

    @classmethod
    def of(cls, steps: Iterable[StepRun], tasks: Iterable[Task]) -> "_Files":
        """The hashes of all files that the values name; one query."""
        values = [*(v for step in steps for v in (step.output, step.inputs)), *(task.output for task in tasks)]
        named = {name for value in values for name in named_files(value)}
        rows = StoredFile.objects.filter(pk__in=named).values_list("pk", "sha256") if named else []
        return cls({str(pk): sha256 for pk, sha256 in rows})
