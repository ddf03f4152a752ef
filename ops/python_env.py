"""The virtual environment: made once, filled from the locks, checked by stamps."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ops.console import run_logged, say, step
from ops.workspace import REQUIREMENTS, VENV, Failure, read_stamp, setup_lock, write_stamp

PYTHON: Final = VENV / "bin" / "python"
PIP_INSTALL: Final = (PYTHON, "-m", "pip", "install", "--require-hashes", "--no-input")
# A lock contains its base, so whoever has it needs no separate install of the base.
CONTAINS: Final = {"base": ("base",), "dev": ("base", "dev"), "mysql": ("base", "mysql")}
MYSQL_HINT: Final = (
    "mysqlclient is compiled here and needs a compiler and the client headers. On Debian and Ubuntu:\n"
    "  apt install build-essential pkg-config default-libmysqlclient-dev python3-dev"
)


def enter(log: Path) -> None:
    """Continue this very command inside `.venv`, making it first when it is missing or broken."""
    if Path(sys.prefix).resolve() == VENV and _is_sound():
        return
    with setup_lock():
        if not _is_sound():
            base = _base_python()
            say("Setting up this checkout; the first time takes a minute or two.")
            with step(f"Virtual environment (Python {sys.version_info.major}.{sys.version_info.minor})"):
                shutil.rmtree(VENV, ignore_errors=True)
                run_logged([base, "-m", "venv", VENV], log=log)
    sys.stdout.flush()
    os.execv(PYTHON, [str(PYTHON), "-m", "ops", *sys.argv[1:]])


def install(*locks: str, log: Path) -> None:
    """Have exactly what these locks pin; nothing is done when the stamps say so.

    *Raises* `Failure` with pip's last lines.
    """
    with setup_lock():
        for lock in locks:
            if installed(lock):
                continue
            with step(f"Python packages ({lock})"):
                file = REQUIREMENTS / f"{lock}.txt"
                run_logged([*PIP_INSTALL, "-r", file], log=log, hint=MYSQL_HINT if lock == "mysql" else "")
                for contained in CONTAINS[lock]:
                    write_stamp(_stamp(contained), lock_hash(contained))


def installed(lock: str) -> bool:
    """Whether the environment already has what this lock pins."""
    return read_stamp(_stamp(lock)) == lock_hash(lock)


def lock_hash(lock: str) -> str:
    """Identifies the contents of one lock file."""
    return hashlib.sha256((REQUIREMENTS / f"{lock}.txt").read_bytes()).hexdigest()


def environment(given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """`given` with the programs of `.venv` first."""
    path = f"{VENV / 'bin'}{os.pathsep}{given.get('PATH', os.defpath)}"
    return {**given, "PATH": path, "VIRTUAL_ENV": str(VENV), "PYTHONUNBUFFERED": "1"}


def _stamp(lock: str) -> Path:
    return VENV / f".paiban-{lock}"


def _is_sound() -> bool:
    """Whether `.venv` was made for this very folder (its scripts name it), runs, and is recent enough."""
    try:
        if str(VENV) not in (VENV / "bin" / "pip").read_text("utf-8", "replace")[:1000]:
            return False
    except OSError:
        return False
    if Path(sys.prefix).resolve() == VENV:  # it runs: this is it
        return True
    code = "import pip, sys; sys.exit(sys.version_info < (3, 11))"
    try:
        return subprocess.run([PYTHON, "-c", code], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _base_python() -> str:
    """The interpreter to make the environment of: the one behind a broken environment, or ourselves."""
    base = str(getattr(sys, "_base_executable", sys.executable))
    if Path(base).is_relative_to(VENV):
        raise Failure(f"{VENV} is broken. Remove it and run the command again: rm -rf {VENV}")
    return base
