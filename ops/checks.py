"""`make check`: every check runs, even when an earlier one failed; a table at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

from ops import node_env
from ops.audit import NOT_CHECKED, audit
from ops.chores import LOG, development_environment, management_environment, scratch, tool
from ops.console import say
from ops.workspace import Failure


def check(arguments: list[str]) -> int:
    """Run the named checks, or all of them."""
    unknown = [name for name in arguments if name not in CHECKS]
    if unknown:
        raise Failure(f"No such check: {', '.join(unknown)}. There are: {', '.join(CHECKS)}.")
    development_environment()
    results: list[tuple[str, str, float]] = []
    with scratch() as env:
        for name in arguments or CHECKS:
            say(f"\n--- {name}")
            began = time.monotonic()
            results.append((name, _outcome(name, env), time.monotonic() - began))
    say("\nChecks:")
    for name, outcome, seconds in results:
        say(f"  {name:<16} {outcome:<12} {seconds:6.1f} s")
    return int(any(outcome == "FAILED" for _, outcome, _ in results))


def _outcome(name: str, env: Mapping[str, str]) -> str:
    try:
        code = CHECKS[name](env)
    except Failure as failure:
        say(str(failure))
        return "FAILED"
    if code == NOT_CHECKED:
        return "NOT CHECKED"
    return "passed" if code == 0 else "FAILED"


def _command(*command: str) -> Callable[[Mapping[str, str]], int]:
    return lambda env: tool(*command, env=env)


def _manage(*arguments: str) -> Callable[[Mapping[str, str]], int]:
    return lambda env: tool("python", "manage.py", *arguments, env=management_environment(env))


def _npm(script: str) -> Callable[[Mapping[str, str]], int]:
    return lambda _: node_env.run_script(script, LOG)


CHECKS: Final[Mapping[str, Callable[[Mapping[str, str]], int]]] = {
    "lint": _command("ruff", "check", "."),
    "formatting": _command("ruff", "format", "--check", "."),
    # For the Python that runs it: numpy for 3.12 has stubs that mypy can't read as 3.11.
    "types": _command("mypy", "--python-version", "{}.{}".format(*sys.version_info)),
    "imports": _command("lint-imports"),
    "migrations": _manage("makemigrations", "--check", "--dry-run"),
    "references": _manage("generate_references", "--check"),
    "audit": audit,
    "frontend-check": _npm("check"),
    "frontend-test": _npm("test"),
}
