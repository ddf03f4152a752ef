"""What came of it, read from the database and from the outside world when all is quiet."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from tests.faults.chaos.load import Told
from tests.faults.chaos.outside import Call
from tests.faults.chaos.plan import Death
from tests.faults.chaos.scenes import PREFIX, Scene
from tests.faults.chaos.strikes import END_SECONDS

MOST_SECONDS: Final = 120.0
RESUMED_SECONDS: Final = 10.0  # a worker that ends in peace hands its runs to others
SHOWN: Final = 20
LATE_SECONDS: Final = 5.0
NONE: Final[Mapping[str, Scene]] = {}


@dataclass
class Verdict:
    """The figures of the last line, what is behind them, and what else must not be."""

    runs: int = 0
    kills: int = 0
    lost: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    charged_twice: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    gave_up: list[str] = field(default_factory=list)
    slowest: float = 0.0
    limit: float = MOST_SECONDS  # of `slowest`
    slowest_was: str = ""
    interrupted: int = 0
    sent_again: int = 0
    left_open: int = 0  # runs that failed because nobody knows what became of a call
    late: int = 0  # calls of a worker that had been stopped, for runs that others had finished
    slowest_end: float = 0.0  # of the workers that were told to end
    asked: int = 0  # calls that a person had sent again

    @property
    def holds(self) -> bool:
        """Whether everything is as promised, and something was put to the test."""
        return not self.complaints() and self.slowest <= self.limit

    def complaints(self) -> list[str]:
        """What is not as promised, with the runs it happened to."""
        told = {"lost": self.lost, "repeated": self.repeated, "charged twice": self.charged_twice, "": self.broken}
        found = [f"{name}: {what}".removeprefix(": ") for name, all_of in told.items() for what in all_of[:SHOWN]]
        if not self.interrupted:
            found.append("no run was interrupted: nothing was put to the test")
        return found


def judge(told: Told, calls: Sequence[Call], kills: Sequence[Death], acts: Mapping[str, Scene] = NONE) -> Verdict:
    """The verdict on everything that was accepted; a run whose feature is not in `acts` has to end well."""
    from apps.tasks.models import Task

    tasks = {str(task.pk): task for task in Task.objects.all()}
    verdict = Verdict(runs=len(told.accepted), kills=len(kills))
    _judge_ends(verdict, told, tasks, acts)
    _judge_unkeyed(verdict, tasks, calls, acts)
    _judge_steps(verdict, tasks, calls, [kill.back for kill in kills if kill.back])
    _judge_charges(verdict, tasks)
    _judge_logs(verdict, tasks)
    verdict.slowest, verdict.slowest_was = slowest_recovery(tasks.values(), kills)
    verdict.slowest_end = max((kill.took for kill in kills), default=0.0)
    if verdict.slowest_end:
        verdict.limit = RESUMED_SECONDS
    if verdict.slowest_end > END_SECONDS:
        verdict.broken.append("a worker that was told to end did not")
    verdict.interrupted = _interrupted(tasks)
    verdict.sent_again = sum(times - 1 for times in Counter(call.key for call in calls if call.key).values())
    return verdict


def _interrupted(tasks: dict[str, Any]) -> int:
    """How many runs were claimed more often than their pauses say."""
    from apps.tasks.models import Question, StepRun

    naps = StepRun.objects.filter(type="delay").values_list("task_id", flat=True)
    pauses = Counter(map(str, [*naps, *Question.objects.values_list("task_id", flat=True)]))
    return sum(task.attempts > 1 + pauses[pk] for pk, task in tasks.items())


def scene_of(task: Any, acts: Mapping[str, Scene]) -> Scene:
    return acts.get(task.feature.removeprefix(PREFIX), Scene({}))


def _judge_ends(verdict: Verdict, told: Told, tasks: dict[str, Any], acts: Mapping[str, Scene]) -> None:
    """Every accepted run is there and succeeded, or was cancelled by its user; one that was not answered, too.

    It may have failed as its scene allows, when a worker lost it.
    """
    for run, pk in told.accepted.items():
        if pk not in tasks:
            verdict.lost.append(f"run-{run} was accepted as {pk}, and there is no such run")
    asked = {f"run-{run}" for run in told.cancel_asked}
    for pk, task in tasks.items():
        name = task.input["text"]
        cancelled = task.status == "cancelled" and name in asked
        allowed = scene_of(task, acts).may_fail_with if task.attempts > 1 else ()
        failed_well = task.status == "failed" and task.error.get("code") in allowed
        if failed_well:
            verdict.left_open += 1
        elif task.status != "succeeded" and not cancelled:
            verdict.lost.append(f"{name} ({pk}) is {task.status}: {(task.error or {}).get('message', '')}")
    for name, times in Counter(task.input["text"] for task in tasks.values()).items():
        if times > 1:
            verdict.repeated.append(f"{name} is there {times} times")


def _judge_unkeyed(verdict: Verdict, tasks: dict[str, Any], calls: Iterable[Call], acts: Mapping[str, Scene]) -> None:
    """A call that nobody can recognise is sent once; again only when somebody who was asked said so."""
    from apps.tasks.models import Question

    times = Counter((call.run, call.step) for call in calls)
    said = Question.objects.filter(option="retry", answered_by__isnull=False)
    repeated = {(str(pk), path.partition("!")[0]) for pk, path in said.values_list("task_id", "path")}
    verdict.asked = len(repeated)
    for pk, task in tasks.items():
        name = task.input["text"]
        for step, may_be_asked in scene_of(task, acts).once.items():
            sent = times[name, step]
            if sent > 1 and not (may_be_asked and (pk, step) in repeated):
                verdict.repeated.append(f"{name} {step} was sent {sent} times, and nobody said so")
            if sent == 0 and task.status == "succeeded":
                verdict.lost.append(f"{name} succeeded, and {step} was never sent")


def _judge_steps(
    verdict: Verdict, tasks: dict[str, Any], calls: Iterable[Call], let_go_on: Collection[float] = ()
) -> None:
    """No step is begun after it was finished: by the run's own log, and by what the outside world was asked.

    A stopped worker may still send, when it is let go on, the one call that it had written down before.
    """
    from apps.tasks.models import Event, StepRun

    done: set[tuple[Any, str]] = set()
    for task, data in Event.objects.filter(type="step").order_by("task", "seq").values_list("task_id", "data"):
        step = (task, str(data.get("path") or data["node"]))
        if step in done and data["status"] in ("running", "succeeded"):
            verdict.repeated.append(f"{task} {step[1]} is {data['status']} after it had succeeded")
        if data["status"] == "succeeded":
            done.add(step)
    finished = {
        (name, path): at.timestamp()
        for name, path, at in StepRun.objects.filter(status="succeeded").values_list(
            "task__input__text", "path", "finished_at"
        )
    }
    for call in calls:
        if call.at <= finished.get((call.run, call.step), call.at):
            continue
        if call.key and any(0 <= call.at - back < LATE_SECONDS for back in let_go_on):
            verdict.late += 1
        else:
            verdict.repeated.append(f"{call.run} {call.step} was asked for after it had its answer")
    _judge_keys(verdict, calls)


def _judge_keys(verdict: Verdict, calls: Iterable[Call]) -> None:
    """However often a step asks, it asks under the same key."""
    keys: dict[tuple[str, str], set[str]] = defaultdict(set)
    for call in calls:
        keys[call.run, call.step].add(call.key)
    verdict.broken += [f"{run} {step} was asked under {len(k)} keys" for (run, step), k in keys.items() if len(k) > 1]


def _judge_charges(verdict: Verdict, tasks: dict[str, Any]) -> None:
    """A run that succeeded was charged its price once, any other nothing, and the books agree."""
    from apps.quotas.models import Entry, Hold
    from apps.quotas.services import verify_ledger

    charged: dict[str, list[int]] = defaultdict(list)
    for source, amount in Entry.objects.filter(kind="commit").values_list("source", "amount"):
        charged[source].append(amount)
    for pk, task in tasks.items():
        owed = [task.cost] if task.status == "succeeded" else []
        if charged[pk] != owed:
            verdict.charged_twice.append(f"{task.input['text']} ({pk}, {task.status}): {charged[pk]} instead of {owed}")
    verdict.charged_twice += [f"the books differ: {difference}" for difference in verify_ledger()]
    ended = [pk for pk, task in tasks.items() if task.is_terminal]
    left = Hold.objects.filter(resolution=None, task__in=ended).count() if ended else 0
    if left:
        verdict.broken.append(f"{left} runs ended and hold credits still")


def _judge_logs(verdict: Verdict, tasks: dict[str, Any]) -> None:
    """Every log is numbered without gaps and ends once."""
    from apps.tasks.models import Event

    numbers: dict[str, list[int]] = defaultdict(list)
    for pk, seq in Event.objects.order_by("task", "seq").values_list("task_id", "seq"):
        numbers[str(pk)].append(seq)
    endings = Counter(str(pk) for pk in Event.objects.filter(ending=1).values_list("task_id", flat=True))
    for pk, task in tasks.items():
        if numbers[pk] != list(range(1, task.event_seq + 1)):
            verdict.broken.append(f"the log of {pk} has gaps")
        if task.is_terminal and endings[pk] != 1:
            verdict.broken.append(f"the log of {pk} ends {endings[pk]} times")


def slowest_recovery(tasks: Iterable[Any], kills: Sequence[Death]) -> tuple[float, str]:
    """The longest that a run stood still after a kill, from that kill to the run's next event; and which it was.

    The time until a person answered is that person's.
    """
    from apps.tasks.models import Event

    times: dict[Any, list[tuple[float, bool]]] = {task.pk: [(task.created_at.timestamp(), False)] for task in tasks}
    for pk, at, kind, data in Event.objects.order_by("task", "seq").values_list("task_id", "at", "type", "data"):
        times[pk].append((at.timestamp(), kind == "answered" and not data.get("late")))
    slowest, which = 0.0, ""
    for pk, moments in times.items():
        for (before, _), (after, by_person) in pairwise(moments):
            hit = next((kill for kill in kills if before <= kill.at < after), None)
            if hit is not None and not by_person and after - hit.at > slowest:
                slowest, which = after - hit.at, f"{pk}, after the death of {hit.victim}"
    return slowest, which
