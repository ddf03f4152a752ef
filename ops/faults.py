"""`make faults`: kill the processes of a whole Paiban under load, and count what was lost or done twice."""

from __future__ import annotations

import os
from typing import Final

from ops.chores import development_environment, extra_arguments, scratch, tool

PROGRAM: Final = ("python", "-m", "tests.faults.chaos")


def faults(_: list[str]) -> int:
    """By SEED, KILLS and RUNS; ARGS takes the options of the program, DATABASE_URL is as for the tests."""
    on_server = os.environ.get("DATABASE_URL", "").startswith("mysql:")
    development_environment(*(["mysql"] if on_server else []))
    with scratch() as env:
        return tool(*PROGRAM, *extra_arguments(), env=env)
