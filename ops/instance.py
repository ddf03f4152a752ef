"""A complete Paiban in a folder of its own: for the browser tests, and as a test of `make run` itself.

`python -m ops.instance` starts one, looks at its pages, stops it and looks for leftovers.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from ops.console import say, step
from ops.processes import free_port
from ops.workspace import ROOT, Failure

START_SECONDS: Final = 600.0  # a fresh checkout installs everything first
STOP_SECONDS: Final = 12.0
# A caller's own instance, a calling make and the settings of a test run are not this instance's business.
NOT_INHERITED: Final = ("PAIBAN_", "DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "MAKE", "MFLAGS")
PAGES: Final = ("/readyz", "/health", "/", "/admin/login/", "/api/v1/ui/menus", "/openapi.json")


@dataclass
class RunningPaiban:
    """What `make run` started: its address, the passwords it was given, everything it has said so far."""

    url: str
    data: Path
    admin_password: str
    demo_password: str
    log: Path
    process: subprocess.Popen[bytes]

    def stop(self) -> float:
        """End it as Ctrl-C does and answer how many seconds that took. *Raises* `Failure` when it hangs."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure(f"make run did not stop within {STOP_SECONDS:.0f} s") from None
        return time.monotonic() - began

    def __enter__(self) -> RunningPaiban:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start_paiban(data: Path, *, settings: Mapping[str, str] | None = None) -> RunningPaiban:
    """Run `make run` on the data folder `data` and return when it says that it is ready.

    `settings` are further environment variables. *Raises* `Failure` with its last words.
    """
    data.mkdir(parents=True, exist_ok=True)
    url = f"http://127.0.0.1:{(port := free_port())}"
    own = {
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "PAIBAN_DATA_DIR": str(data),
        "PAIBAN_ADMIN_PASSWORD": "Admin-for-tests-1",
        "PAIBAN_DEMO_PASSWORD": "Demo-for-tests-1",
    }
    own |= settings or {}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
    log = data.with_name(f"{data.name}.log")
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["make", "--no-print-directory", "run"],
            cwd=ROOT,
            env={**inherited, **own},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    passwords = (own["PAIBAN_ADMIN_PASSWORD"], own["PAIBAN_DEMO_PASSWORD"])
    running = RunningPaiban(url, data, *passwords, log, process)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if f"Ready: {url}/" in log.read_text("utf-8", "replace"):
            return running
        time.sleep(0.05)
    running.stop()
    raise Failure(f"make run did not become ready:\n{log.read_text('utf-8', 'replace')[-4000:]}")


def main() -> None:
    """Start twice on the same data, look at the pages, stop, and find nothing left."""
    with tempfile.TemporaryDirectory(prefix="paiban-instance-") as folder:
        data = Path(folder) / "data"
        for title in ("First start", "Second start"):
            with step(title):
                running = start_paiban(data)
            try:
                for page in PAGES:
                    _look_at(running.url + page)
            finally:
                seconds = running.stop()
            leftovers = _processes_using(data)
            if leftovers:
                raise Failure(f"still running after the end: {leftovers}")
            say(f"  ok {len(PAGES)} pages, stopped in {seconds:.1f} s, nothing left")


def _look_at(url: str) -> None:
    try:
        with urllib.request.urlopen(url, timeout=15) as answer:
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read()
    if status != 200 or not body:
        raise Failure(f"{url} answered {status}: {body[:500]!r}")


def _processes_using(data: Path) -> list[str]:
    """Command lines of processes started for that data folder (Linux; empty elsewhere)."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"PAIBAN_DATA_DIR={data}\0".encode() in environ.read_bytes():
                found.append((environ.parent / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(str(failure))
