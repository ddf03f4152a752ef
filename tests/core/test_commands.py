"""Commands: exit codes that keep their meaning, JSON, and lines that cannot steer a terminal."""

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.db import InterfaceError, OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError

from apps.core import errors
from apps.core.commands import MEANINGS, Exit, Outcome, ServiceCommand, exit_for, problem_line, visible
from apps.core.config import NotReleased
from apps.core.publishing.errors import (
    ApprovalNeeded,
    DraftChanged,
    NeverLive,
    PublishConflict,
    PublishRefused,
    RolloutRunning,
    VersionUnknown,
)


class ToyCommand(ServiceCommand):
    """Does whatever the test tells it to."""

    requires_system_checks = ()

    def __init__(self, work: Any) -> None:
        super().__init__()
        self._work = work

    def outcome(self, options: dict[str, Any]) -> Outcome:
        if isinstance(self._work, Exception):
            raise self._work
        outcome: Outcome = self._work
        return outcome


def ended(work: Any, *arguments: str) -> int:
    """The exit code of a command that does `work`."""
    try:
        call_command(ToyCommand(work), *arguments)
    except SystemExit as exc:
        return int(exc.code or 0)
    return 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidRequest(), Exit.USAGE),
        (errors.Forbidden(), Exit.REFUSED),
        (errors.NotFound(), Exit.NOT_FOUND),
        (NotReleased(), Exit.NOT_FOUND),
        (VersionUnknown(version=7), Exit.NOT_FOUND),
        (errors.StaleRevision(), Exit.CONFLICT),
        (PublishConflict(), Exit.CONFLICT),
        (PublishRefused(count=1, details={"problems": [{"code": "E"}]}), Exit.REFUSED),
        (ApprovalNeeded(), Exit.REFUSED),
        (NeverLive(version=7), Exit.REFUSED),
        (RolloutRunning(version=7), Exit.REFUSED),
        (DraftChanged(), Exit.CONFLICT),
        (errors.DependencyDown(), Exit.DOWN),
        (errors.InternalError(), Exit.REFUSED),
    ],
)
def test_exit_for__an_error__follows_its_status(error, code):
    assert exit_for(error) is code


def test_exit_for__conflict_that_lists_problems__is_a_refusal():
    class Unconfirmed(errors.ApiError):
        status = 409

    assert exit_for(Unconfirmed(details={"problems": [{"code": "E_BREAK"}]})) is Exit.REFUSED


def test_exit__numbers__never_change():
    assert {code.name: int(code) for code in Exit} == {
        "DONE": 0,
        "REFUSED": 1,
        "USAGE": 2,
        "CONFLICT": 3,
        "NOT_FOUND": 4,
        "DOWN": 5,
    }
    assert set(MEANINGS) == set(Exit)


def test_command__done__prints_its_lines_on_standard_output(capsys):
    code = ended(Outcome({"n": 1}, ["one", "two"]))

    told = capsys.readouterr()
    assert (code, told.out, told.err) == (0, "one\ntwo\n", "")


def test_command__json__is_one_object_and_nothing_else(capsys):
    code = ended(Outcome({"n": 1, "words": "排版"}, ["one"], Exit.REFUSED, "different"), "--json", "--dry-run")

    told = capsys.readouterr()
    assert code == 1
    assert json.loads(told.out) == {
        "status": "different",
        "exit_code": 1,
        "dry_run": True,
        "n": 1,
        "words": "排版",
    }
    assert told.err == ""


def test_command__refused__says_every_problem_on_standard_error(capsys):
    problems = [
        {"code": "E_A", "path": "/cost", "message": "No price.", "level": "error"},
        {"code": "E_B", "file": "x.yaml", "line": 3, "pointer": "/b", "message": "Odd.", "level": "warning"},
    ]

    code = ended(PublishRefused(count=2, details={"problems": problems}))

    told = capsys.readouterr()
    assert (code, told.out) == (1, "")
    assert told.err.splitlines() == [
        "Not published: 2 problems have to be solved first. See the list. [CORE_2010]",
        "  /cost: No price. [E_A]",
        "  warning x.yaml:3 /b: Odd. [E_B]",
    ]


def test_command__refused_as_json__holds_the_error_whole(capsys):
    code = ended(VersionUnknown(version=7), "--json")

    assert code == 4
    assert json.loads(capsys.readouterr().out) == {
        "status": "not_found",
        "exit_code": 4,
        "dry_run": False,
        "error": {
            "code": "CORE_2011",
            "reason": "E_VERSION_UNKNOWN",
            "message": "There is no released version 7 of this. Choose one from the list of versions.",
            "retryable": False,
            "details": {},
        },
    }


@pytest.mark.parametrize("lost", [OperationalError("gone"), InterfaceError("gone"), RedisConnectionError("gone")])
def test_command__database_or_redis_unreachable__exit_code_5_with_the_cause(capsys, lost):
    code = ended(lost, "--json")

    error = json.loads(capsys.readouterr().out)["error"]
    assert (code, error["code"], error["retryable"]) == (5, "CORE_5001", True)
    assert error["details"]["cause"] == f"{type(lost).__name__}: gone"


def test_command__defect__is_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        ended(ZeroDivisionError())


def test_visible__control_characters__are_spelled_out():
    assert visible("a\x1b[2Jb\u202ec\td\ud800排") == "a\\x1b[2Jb\\u202ec\td\\ud800排"


def test_problem_line__nothing_known__still_reads():
    assert problem_line({"code": "E", "message": "Odd."}) == ": Odd. [E]"
