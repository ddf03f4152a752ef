"""`make reset`: back to an empty data folder."""

from __future__ import annotations

import os
import shutil
import sys

from ops.console import say
from ops.environment import MARKER, read_settings
from ops.run import LOCK, only_one
from ops.workspace import Failure


def reset(arguments: list[str]) -> int:
    """Delete everything in the data folder; asks first unless YES=1, refuses while Paiban runs on it."""
    if arguments:
        raise Failure("make reset takes no arguments; YES=1 make reset asks no question.")
    settings = read_settings()
    if not settings.data.exists():
        say(f"{settings.data} does not exist; nothing to do.")
        return 0
    if not (settings.data / MARKER).is_file():
        raise Failure(f"{settings.data} was not made by Paiban ({MARKER} is missing); nothing was deleted.")
    with only_one(settings):
        if os.environ.get("YES") != "1" and not _confirmed(str(settings.data)):
            say("Nothing was deleted.")
            return 1
        for entry in settings.data.iterdir():
            if entry.name in {LOCK, MARKER}:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
    say(f"{settings.data} is empty. The next make run starts from scratch.")
    return 0


def _confirmed(folder: str) -> bool:
    if not sys.stdin.isatty():
        raise Failure("make reset asks a question and there is nobody to answer it; YES=1 make reset does not.")
    say(f"This deletes the database, uploads, logs and secrets in {folder}.")
    return input("Type yes to go on: ").strip().lower() == "yes"
