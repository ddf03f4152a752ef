"""People who run the features without pause: each waits for the end of a run before asking for the next."""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from tests.faults.chaos.installation import Installation
from tests.faults.chaos.plan import Plan
from tests.faults.chaos.scenes import PREFIX

LOOK_SECONDS: Final = 1.0  # the web process has more to do than to tell people that they have to wait
ENDED: Final = frozenset({"succeeded", "failed", "cancelled"})
PATIENCE_SECONDS: Final = 240.0  # for one run; the verdict is stricter, this keeps the loop from standing still


@dataclass
class Told:
    """What the people were told: the id of each accepted run by its number, and whose answer never came."""

    accepted: dict[int, str] = field(default_factory=dict)
    unanswered: set[int] = field(default_factory=set)
    cancel_asked: set[int] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    over: bool = False


class Load:
    """`people` threads that ask for `plan.runs` runs at `address`. Counts a run when its 202 was read."""

    def __init__(self, plan: Plan, installation: Installation, address: str, *, people: int) -> None:
        self.told = Told()
        self._plan, self._installation, self._address = plan, installation, address
        self._lock = threading.Lock()
        self._next, self._counted = 0, 0
        self._threads = [threading.Thread(target=self._person, daemon=True) for _ in range(people)]

    @property
    def wanted(self) -> int:
        """How many are to be accepted; as many as there are once nobody asks for more."""
        return self.accepted if self.told.over else self._plan.runs

    @property
    def accepted(self) -> int:
        return len(self.told.accepted)

    @property
    def busy(self) -> bool:
        """Whether somebody still has a run to ask for or to wait for."""
        return any(thread.is_alive() for thread in self._threads)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Nobody asks for more."""
        self.told.over = True

    def _person(self) -> None:
        users = self._installation.users
        while (run := self._number()) is not None:
            user = users[run % len(users)]
            task = self._ask_for(run, user)
            if task:
                self._watch(run, task, user)

    def _number(self) -> int | None:
        """The next run's number, None when there are enough. One whose answer never came is made up for."""
        while not self.told.over and len(self.told.accepted) < self._plan.runs:
            with self._lock:
                if len(self.told.accepted) + self._open < self._plan.runs:
                    self._next += 1
                    return self._next - 1
            time.sleep(LOOK_SECONDS)
        return None

    @property
    def _open(self) -> int:
        answered = len(self.told.accepted) + len(self.told.unanswered)
        return self._next - answered

    def _ask_for(self, run: int, user: Any) -> str:
        """The id of the accepted run, or nothing when the answer never came. Refusals are asked again."""
        body = {"feature": f"{PREFIX}{self._plan.scene_of(run)}", "input": {"text": f"run-{run}"}}
        while True:
            try:
                answer = self._send("POST", "/api/v1/tasks", user, body)
            except urllib.error.HTTPError as exc:
                self.told.refused.append(f"{exc.code} {exc.read()[:200]!r}")
                time.sleep(0.2)
                continue
            except (urllib.error.URLError, OSError, ValueError) as exc:
                if _never_sent(exc):
                    time.sleep(0.2)
                    continue
                with self._lock:
                    self.told.unanswered.add(run)
                return ""
            with self._lock:
                self.told.accepted[run] = answer["id"]
            return str(answer["id"])

    def answer_forgotten(self) -> None:
        """Answer what runs ask whose people never learnt of them: the answer to their request was lost."""
        from apps.tasks.models import Status, Task

        waiting = Task.objects.filter(status=Status.WAITING_INPUT).select_related("user")
        for task in waiting:
            run = int(task.input["text"].removeprefix("run-"))
            if run in self.told.unanswered:
                with suppress(urllib.error.URLError, OSError, ValueError):
                    self._answer(run, str(task.pk), task.user)

    def _watch(self, run: int, task: str, user: Any) -> None:
        if run in self._plan.delivered_twice:
            self._deliver_again(task)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
            try:
                if run in self._plan.cancelled and run not in self.told.cancel_asked:
                    self._cancel(run, task, user)
                status = self._send("GET", f"/api/v1/tasks/{task}", user)["status"]
                if status in ENDED:
                    return
                if status == "waiting_input":
                    self._answer(run, task, user)
            except (urllib.error.URLError, OSError, ValueError):
                continue  # somebody is dead just now

    def _cancel(self, run: int, task: str, user: Any) -> None:
        self.told.cancel_asked.add(run)  # it may arrive even if no answer does
        with suppress_conflict():
            self._send("POST", f"/api/v1/tasks/{task}/cancel", user, {})

    def _answer(self, run: int, task: str, user: Any) -> None:
        """What the scene says, if anything; a second answer to the same question is refused."""
        answer = self._installation.scenes[self._plan.scene_of(run)].answer
        if answer is None:
            return
        who = self._installation.staff if answer.who == "staff" else user
        with suppress_conflict():
            path = f"/api/v1/tasks/{task}/answers/{answer.path}"
            self._send("POST", path, who, {"answer": {}, "option": answer.option})

    def _deliver_again(self, task: str) -> None:
        """The same message once more, as brokers do; a broker that is away just now does not."""
        import config.celery
        from apps.tasks.services import RUN_JOB

        try:
            config.celery.app.send_task(RUN_JOB, args=[task], queue="pipelines", ignore_result=True, retry=False)
        except Exception as exc:
            self.told.refused.append(f"broker: {type(exc).__name__}")

    def _send(self, method: str, path: str, user: Any, body: object = None) -> dict[str, Any]:
        headers = {"Authorization": self._installation.bearer(user), "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._address + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


def _never_sent(exc: Exception) -> bool:
    """Nobody listened, so nothing was done."""
    return isinstance(getattr(exc, "reason", exc), ConnectionRefusedError)


@contextmanager
def suppress_conflict() -> Iterator[None]:
    """409: it ended, or was answered, before."""
    try:
        yield
    except urllib.error.HTTPError as exc:
        if exc.code != 409:
            raise
