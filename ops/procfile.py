"""The Procfile: the one list of processes, read by the supervisor, by tests and by people."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from ops.workspace import ROOT, Failure

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def read_procfile(file: Path = ROOT / "Procfile") -> dict[str, list[str]]:
    """Process names and their command lines in the order in which they start; variables not yet filled in."""
    programs: dict[str, list[str]] = {}
    for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, separator, command = line.partition(":")
        if not separator or not re.fullmatch(r"[a-z][a-z0-9_-]*", name) or not command.strip():
            raise Failure(f"{file}, line {number}: expected name: command.")
        programs[name] = shlex.split(command)
    return programs


def fill_in(command: list[str], env: Mapping[str, str]) -> list[str]:
    """The command with `$NAME` and `${NAME}` taken from `env`; a value with blanks stays one word.

    *Raises* `Failure` for a name that is not there: an empty argument would be a stranger error.
    """

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name not in env:
            raise Failure(f"The Procfile uses ${name}, which is not set.")
        return env[name]

    return [_VARIABLE.sub(value, word) for word in command]
