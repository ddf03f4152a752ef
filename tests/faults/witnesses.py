"""Several witnesses on the test's own database and Redis, asked together."""

import multiprocessing
import os
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.faults import witness
from tests.faults.fleet import environment, wait_until
from tests.faults.witness import Broken, Outcome, Report, Update

PROCESSES = max(4, int(os.environ.get("PAIBAN_CONSISTENCY_PROCESSES", "4")))
# Far more than a poll's interval: what is asserted is the state that is reached, not how soon.
SECONDS = 25
ANSWER_SECONDS = 60

# Forked from one process that has imported everything: seconds less for each of them, and nothing else is shared.
_fork = multiprocessing.get_context("forkserver")
_fork.set_forkserver_preload(["tests.faults.nursery"])


class Witness:
    """One such process, seen from the test."""

    def __init__(self) -> None:
        self._questions, far_end = _fork.Pipe()
        self._process = _fork.Process(target=witness.main, args=(far_end,), daemon=True)
        self._process.start()
        far_end.close()

    def say(self, question: str, *arguments: Any) -> None:
        """Without waiting: `hear` the answer."""
        self._questions.send((question, arguments))

    def hear(self) -> Any:
        assert self._questions.poll(ANSWER_SECONDS), f"process {self._process.pid} does not answer"
        return self._questions.recv()

    def kill(self) -> None:
        """As kill -9 does."""
        self._process.kill()
        self._process.join()
        self._questions.close()


class Witnesses:
    """They read what `begin` names until `rest`."""

    def __init__(self, folder: Path) -> None:
        # One folder for the local backup, as on one machine, and not the one that every test empties.
        own = {"PAIBAN_DATA_DIR": str(folder), "PAIBAN_LOG_LEVEL": "ERROR", "PAIBAN_PROCESS": "web"}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**environment(), **own, "PYTHONPATH": str(settings.BASE_DIR)}.items():
                patch.setenv(name, value)
            forkserver.ensure_running()
        self._all = [Witness() for _ in range(PROCESSES)]
        self._watched: tuple[str, list[str]] = ("", [])

    def _ask(self, question: str, *arguments: Any) -> list[Any]:
        for each in self._all:
            each.say(question, *arguments)
        return self._answers()

    def _answers(self) -> list[Any]:
        """All of them are heard, so that a failure does not leave an answer to be taken for the next one."""
        answers = [each.hear() for each in self._all]
        broken = [answer.traceback for answer in answers if isinstance(answer, Broken)]
        assert not broken, "\n".join(broken)
        return answers

    def begin(self, scope: str, keys: list[str]) -> None:
        """Read the released `keys`, knowing nothing of what was before."""
        self._watched = (scope, keys)
        self._ask("begin", scope, keys)

    def rest(self) -> None:
        self._ask("rest")

    def still(self) -> None:
        """No looks by the clock; they still hear, and look when they have reason to."""
        self._ask("still")

    def reports(self) -> list[Report]:
        return self._ask("report")

    def race(self, scope: str, updates: list[Update]) -> list[Outcome]:
        """Try all `updates` at once, each process its share of them."""
        for number, each in enumerate(self._all):
            each.say("race", scope, updates[number :: len(self._all)])
        return [outcome for outcomes in self._answers() for outcome in outcomes]

    def kill_one(self) -> None:
        """The others go on."""
        self._all.pop(0).kill()

    def start_one(self) -> None:
        """A new process, which reads what the others read."""
        newcomer = Witness()
        self._all.append(newcomer)
        newcomer.say("begin", *self._watched)
        assert newcomer.hear() is None

    def serve(self, expected: dict[str, tuple[int, Any]]) -> bool:
        """Whether every process serves exactly these versions and contents, by key."""
        return all({key: report.now[key] for key in expected} == expected for report in self.reports())

    def wait_for(self, expected: dict[str, tuple[int, Any]]) -> None:
        wait_until(lambda: self.serve(expected), seconds=SECONDS, what=f"every process serves {expected}")

    def stop(self) -> None:
        for each in self._all:
            each.kill()


def failures(reports: list[Report]) -> list[str]:
    """Steps back, other contents, errors: of all processes."""
    return [f"{report.pid}: {failure}" for report in reports for failure in report.failures]


def stale_reads(reports: list[Report], key: str, propagated: dict[int, float]) -> list[str]:
    """Reads that began after a newer version was told to be served everywhere; `propagated` says when that was.

    The monotonic clock is one for all processes of a machine.
    """
    return [
        f"{report.pid}: version {version} after {newer} was everywhere"
        for report in reports
        for version, read_at in report.last_read[key].items()
        for newer, told_at in propagated.items()
        if version < newer and read_at > told_at
    ]
