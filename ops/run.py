"""`make run`: from a fresh checkout to a working Paiban on this machine, in one command."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ops import credentials, node_env, python_env
from ops.console import run_logged, say, step
from ops.environment import Settings, child_environment, keep_secrets, make_data_dir, read_settings
from ops.processes import catches, follow_parent, free_port, port_is_free
from ops.procfile import read_procfile
from ops.readiness import Readiness
from ops.redis_server import last_log_lines, wait_for_ping
from ops.supervisor import Supervisor
from ops.workspace import REQUIREMENTS, ROOT, Failure, fingerprint, read_stamp, write_stamp

LOCK: Final = "run.lock"


def run(arguments: list[str]) -> int:
    """Prepare what is missing, start every process, print the address, stay until Ctrl-C."""
    if arguments:
        raise Failure("make run takes no arguments; it is configured by the environment, see .env.example.")
    if "MAKELEVEL" in os.environ:
        follow_parent()  # kill -9 of make must not leave this behind
    settings = read_settings()
    make_data_dir(settings.data)
    with only_one(settings):
        if not port_is_free(settings.host, settings.port):
            raise Failure(
                f"Port {settings.port} on {settings.host} is in use by another program. "
                f"Choose another one: PORT={settings.port + 1} make run"
            )
        return _run(settings)


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the data folder; *raises* `Failure` when somebody else does. The kernel lets go when we die."""
    with (settings.data / LOCK).open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            holder = handle.read().strip() or "no details"
            raise Failure(
                f"Paiban already runs on {settings.data} ({holder}). Stop it first, "
                f"or start a second one beside it: PORT=8001 PAIBAN_DATA_DIR=var-2 make run"
            ) from None
        handle.truncate(0)
        handle.write(f"process {os.getpid()}, {settings.url}/")
        handle.flush()
        yield


def _run(settings: Settings) -> int:
    log = settings.log
    python_env.enter(log)
    python_env.install("base", log=log)
    node_env.build_frontend(log)

    programs = read_procfile()
    redis_port = free_port()
    if not settings.starts_redis:
        del programs["redis"]
    redis_url = settings.given.get("REDIS_URL") or f"redis://127.0.0.1:{redis_port}/0"
    env = child_environment(settings, keep_secrets(settings), redis_url)
    supervisor = Supervisor(programs, {**env, "REDIS_PORT": str(redis_port)})
    try:
        if settings.starts_redis:
            with step("Redis-compatible server"):
                supervisor.start("redis")
                _await_redis(supervisor, redis_port, settings.data / "redis")
        _prepare_database(settings, env)
        supervisor.listen_for_signals()
        with addresses_told(settings.data, env):
            return _serve(settings, supervisor)
    finally:
        supervisor.stop()


@contextmanager
def addresses_told(data: Path, env: Mapping[str, str]) -> Iterator[None]:
    """While this runs, `runtime.env` tells commands typed in a shell where the servers are."""
    told = data / "runtime.env"
    told.write_text("".join(f"{name}={env[name]}\n" for name in ("DATABASE_URL", "REDIS_URL", "PAIBAN_BASE_URL")))
    told.chmod(0o600)
    try:
        yield
    finally:
        told.unlink(missing_ok=True)


def _await_redis(supervisor: Supervisor, port: int, directory: Path) -> None:
    if not wait_for_ping(port, process=supervisor.children["redis"].process):
        raise Failure(f"The Redis-compatible server did not start:\n{last_log_lines(directory)}")


def _serve(settings: Settings, supervisor: Supervisor) -> int:
    for name in supervisor.children:
        if name != "redis":
            supervisor.start(name)
    readiness = Readiness(settings.host, settings.port)
    make = os.getppid() if "MAKELEVEL" in os.environ and catches(os.getppid(), signal.SIGINT) else None

    def every_tick() -> None:
        # An interrupt sent to make alone is not passed on: make drops its handler and waits for us.
        if make is not None and not catches(make, signal.SIGINT):
            supervisor.ask_to_stop()
        if supervisor.came_up:
            return
        if readiness.poll():
            supervisor.came_up = True
            chosen = ("PAIBAN_ADMIN_PASSWORD" in settings.given, "PAIBAN_DEMO_PASSWORD" in settings.given)
            shown = _credentials(settings)
            credentials.show_once(shown, url=settings.url, data=settings.data, chosen=chosen)
            say(f"Ready: {settings.url}/")
        elif complaint := readiness.complaint():
            say(complaint)

    code = supervisor.run(every_tick)
    say("Stopping.")
    return code


def _prepare_database(settings: Settings, env: Mapping[str, str]) -> None:
    """Migrate and seed, unless neither the code nor the database file has changed since the last time."""
    stamp = settings.data / ".prepared"
    wanted = _preparation(settings, env)
    if wanted and read_stamp(stamp) == wanted:
        return
    with step("Database and demo content"):
        fresh = settings.data / "credentials.fresh.json"
        command = [str(python_env.PYTHON), "-m", "ops.prepare", "--credentials", str(fresh)]
        run_logged(command, log=settings.log, env=env)
        made = credentials.read(fresh)
        if made is not None:
            credentials.keep(_credentials(settings), made)
            fresh.unlink()
    write_stamp(stamp, _preparation(settings, env))


def _preparation(settings: Settings, env: Mapping[str, str]) -> str:
    """Identifies code, file and wishes; empty when it can't be told, as for a database server.

    Keyed with a secret: the wishes contain passwords.
    """
    file = Path(env["DATABASE_URL"].removeprefix("sqlite:///"))
    if not env["DATABASE_URL"].startswith("sqlite:///") or not file.is_file() or file.stat().st_size == 0:
        return ""
    code = fingerprint([ROOT / "apps", ROOT / "config", ROOT / "ops" / "prepare.py", REQUIREMENTS / "base.txt"])
    wishes = [settings.given.get(f"PAIBAN_{name}_PASSWORD", "") for name in ("ADMIN", "DEMO")]
    told = "\0".join([code, env["DATABASE_URL"], str(file.stat().st_ino), *wishes])
    return hmac.new(env["SECRET_KEY"].encode(), told.encode(), hashlib.sha256).hexdigest()


def _credentials(settings: Settings) -> Path:
    return settings.data / "credentials.json"
