"""Where things are in a checkout, and stamps that tell whether work was already done."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
VENV: Final = ROOT / ".venv"
CACHE: Final = ROOT / ".cache"
REQUIREMENTS: Final = ROOT / "requirements"
FRONTEND: Final = ROOT / "frontend"
FRONTEND_BUILD: Final = ROOT / "static" / "build"

# Folders that hold results, never sources.
_RESULTS: Final = {"node_modules", "__pycache__", "dist", "coverage", ".vite"}


class Failure(Exception):
    """One clear message for the person who ran the command; printed without a traceback, exit code 1."""


def fingerprint(paths: Iterable[Path], *, suffixes: tuple[str, ...] = ()) -> str:
    """A hash over the names and contents of `paths` (folders recursively, `suffixes` only when given)."""
    digest = hashlib.sha256()
    for path in paths:
        for file in _files(path):
            if suffixes and file.suffix not in suffixes:
                continue
            digest.update(f"{file.relative_to(ROOT) if file.is_relative_to(ROOT) else file}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def read_stamp(path: Path) -> str:
    """What the stamp says, or an empty string when the work was never done."""
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def write_stamp(path: Path, value: str) -> None:
    """Note that the work is done; in one step, so that an interrupted run leaves no half stamp."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(value + "\n", "utf-8")
    fresh.replace(path)


@contextmanager
def setup_lock() -> Iterator[None]:
    """Wait until nobody else installs into this checkout: `make run` and `make test` may start together."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "setup.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another make that is installing into this checkout.", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for folder, names, files in os.walk(path):
        names[:] = sorted(set(names) - _RESULTS)
        for name in sorted(files):
            yield Path(folder, name)
