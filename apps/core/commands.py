"""What our commands have in common: `--json`, and exit codes that scripts may rely on.

With `--json` a command prints one object and nothing else to standard output:

- `status`: the name of the exit code, in small letters; `exit_code`: its number
- `dry_run`: whether nothing was written because of `--dry-run`
- the command's own fields, listed in docs/config-as-files.md
- `error`: `{code, reason, message, retryable, details}`, only when something stood in the way

Without it a person gets short lines: results on standard output, refusals on standard error.
"""

import json
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import InterfaceError, OperationalError
from redis.exceptions import RedisError

from apps.core.errors import ApiError, DependencyDown
from apps.core.publishing.errors import ApprovalNeeded, NeverLive, NothingLive, RolloutRunning


class Exit(IntEnum):
    """How a command ended. Numbers keep their meaning between versions."""

    DONE = 0  # done, or there was nothing to do
    REFUSED = 1  # the problems are listed; mend them
    USAGE = 2  # the command was called wrongly
    CONFLICT = 3  # somebody else was faster; look, and run it again
    NOT_FOUND = 4  # no such feature, version, person
    DOWN = 5  # the database, Redis or a tool server does not answer; try again later


MEANINGS: dict[Exit, str] = {
    Exit.DONE: "done, or there was nothing to do",
    Exit.REFUSED: "refused; the problems are listed",
    Exit.USAGE: "called wrongly",
    Exit.CONFLICT: "somebody else was faster, or what you saw is stale; look again and repeat",
    Exit.NOT_FOUND: "there is no such thing",
    Exit.DOWN: "a part of the service is not reachable; try again later",
}

_BY_STATUS = {
    400: Exit.USAGE,
    404: Exit.NOT_FOUND,
    409: Exit.CONFLICT,
    412: Exit.CONFLICT,
    502: Exit.DOWN,
    503: Exit.DOWN,
    504: Exit.DOWN,
}
# Conflicts with a rule, not with somebody who was faster.
_LASTING = (ApprovalNeeded, NeverLive, NothingLive, RolloutRunning)


def exit_for(error: ApiError) -> Exit:
    """The exit code that says what kind of failure `error` is.

    Whatever lists problems is a refusal, and so is what would be the same if it were tried again.
    """
    if error.details.get("problems") or isinstance(error, _LASTING):
        return Exit.REFUSED
    return _BY_STATUS.get(error.status, Exit.REFUSED)


@dataclass(frozen=True)
class Outcome:
    """What a command did or would do: `data` for machines, `lines` for people."""

    data: Mapping[str, Any] = field(default_factory=dict)
    lines: Sequence[str] = ()
    exit: Exit = Exit.DONE
    status: str = ""  # where the exit code means something of the command's own

    def as_object(self, *, dry_run: bool) -> dict[str, Any]:
        """What `--json` prints."""
        head = {"status": self.status or self.exit.name.lower(), "exit_code": int(self.exit), "dry_run": dry_run}
        return head | dict(self.data)


def failed(error: ApiError, subject: str = "") -> Outcome:
    """The outcome of a service that raised `error` about `subject`, with every problem it lists."""
    body = error.as_dict() | {"details": error.details}
    problems = error.details.get("problems", [])
    about = f"{subject}: " if subject else ""
    lines = [visible(f"{about}{error.text()} [{error.code}]"), *(f"  {problem_line(problem)}" for problem in problems)]
    if cause := error.details.get("cause"):
        lines.append(visible(f"  {cause}"))
    return Outcome({"error": body}, lines, exit_for(error))


def problem_line(problem: Mapping[str, Any]) -> str:
    """`warning /cost: Set the price. [E_PRICE_MISSING]`; files stand before the path as `file:line`."""
    line = f":{problem['line']}" if problem.get("line") else ""
    file = f"{problem['file']}{line} " if problem.get("file") else ""
    where = f"{file}{problem.get('path') or problem.get('pointer') or ''}".strip()
    level = "" if problem.get("level", "error") == "error" else f"{problem['level']} "
    return visible(f"{level}{where}: {problem.get('message', '')} [{problem.get('code', '')}]")


def visible(text: str) -> str:
    """`text` without what could steer a terminal: control characters are spelled out, tabs stay."""
    return "".join(
        character
        if character == "\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs")
        else _spelled(character)
        for character in text
    )


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


class ServiceCommand(BaseCommand):
    """A command that calls a service: `outcome` does the work, this prints it and ends with its exit code.

    `ApiError`s become their exit code, an unreachable database or Redis `Exit.DOWN`. `call_command` raises
    `SystemExit` when the code is not 0.
    """

    def add_arguments(self, parser: CommandParser) -> None:
        add_output_arguments(parser)

    def outcome(self, options: dict[str, Any]) -> Outcome:
        """Do the work. Raises `ApiError`."""
        raise NotImplementedError

    def outcome_of(self, error: ApiError, options: dict[str, Any]) -> Outcome:
        """What a refusal means; commands with codes of their own change it here."""
        return failed(error, options.get("key", ""))

    def handle(self, *args: Any, **options: Any) -> None:
        outcome = self._ended(options)
        if options["as_json"]:
            self.stdout.write(json.dumps(outcome.as_object(dry_run=bool(options.get("dry_run"))), default=str))
        else:
            sink = self.stderr if "error" in outcome.data else self.stdout
            sink.write("\n".join(outcome.lines), ending="\n" if outcome.lines else "")
        if outcome.exit:
            sys.exit(outcome.exit)

    def _ended(self, options: dict[str, Any]) -> Outcome:
        try:
            return self.outcome(options)
        except ApiError as exc:
            return self.outcome_of(exc, options)
        except (OperationalError, InterfaceError, RedisError) as exc:
            return failed(DependencyDown(details={"cause": f"{type(exc).__name__}: {exc}"}))


def add_output_arguments(parser: Any, *, dry_run: str = "write nothing, show what would happen") -> None:
    """`--dry-run` and `--json`, spelled the same everywhere."""
    parser.add_argument("--dry-run", action="store_true", help=dry_run)
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
