"""Real processes against the test's database and Redis: workers and a dispatcher to be killed."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

WORKER = ["-m", "celery", "-A", "config.celery", "worker", "--pool", "threads", "--concurrency", "4", "-l", "ERROR"]
WORKER += ["--queues", "pipelines", "--without-gossip", "--without-mingle", "--without-heartbeat"]
DISPATCHER = ["manage.py", "dispatcher"]

# Short, so that a run of kills ends soon; the order of the figures is that of production.
QUICK = {"PAIBAN_TASK_LEASE_SECONDS": "3", "PAIBAN_TASK_RENEW_SECONDS": "1", "PAIBAN_TASK_REQUEUE_SECONDS": "1"}


def database_url() -> str:
    """The test's own database, for other processes."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    secret = f"{quote(found['USER'])}:{quote(found['PASSWORD'])}@" if found["USER"] else ""
    return f"mysql://{secret}{found['HOST'] or '127.0.0.1'}:{found['PORT'] or 3306}/{found['NAME']}"


def environment() -> dict[str, str]:
    """What such a process has to know to work on the same data as the test."""
    return {
        **os.environ,
        **QUICK,
        "DJANGO_SETTINGS_MODULE": "config.settings.dev",
        "DATABASE_URL": database_url(),
        "REDIS_URL": settings.REDIS_URL,
        "PAIBAN_DATA_DIR": str(settings.DATA_DIR),
        "SECRET_KEY": settings.SECRET_KEY,
        "PAIBAN_SIGNING_KEY": ",".join(settings.SIGNING_KEYS),
        "PAIBAN_MASTER_KEYS": ",".join(settings.MASTER_KEYS),
        "PAIBAN_LOG_LEVEL": "INFO",
    }


class Process:
    """One process in its own group; `kill` is kill -9 of the whole group."""

    def __init__(self, argv: list[str], log: Path) -> None:
        self._argv, self._log = argv, log
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as sink:
            self._child = subprocess.Popen(
                [sys.executable, *self._argv],
                cwd=settings.BASE_DIR,
                env=environment(),
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )

    def kill(self) -> None:
        if self._child is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()


@contextmanager
def running(argv: list[str], log: Path) -> Iterator[Process]:
    process = Process(argv, log)
    process.start()
    try:
        yield process
    finally:
        process.kill()


def wait_until(condition, *, seconds: float, what: str) -> float:
    """Wait for `condition`; how long it took. Fails with `what` after `seconds`."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.1)
    return time.monotonic() - started


def seeded_random() -> random.Random:
    """A random source whose seed is printed, so that a failing run can be repeated with PAIBAN_FAULT_SEED."""
    seed = int(os.environ.get("PAIBAN_FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
    print(f"PAIBAN_FAULT_SEED={seed}")
    return random.Random(seed)
