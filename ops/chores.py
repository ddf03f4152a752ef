"""The small targets of the Makefile: format, lock, docs, snapshots, frontend, admin-password."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from ops import node_env, python_env
from ops.console import run_group, say
from ops.environment import child_environment, keep_secrets, read_settings
from ops.processes import free_port
from ops.workspace import CACHE, REQUIREMENTS, Failure

LOG: Final = CACHE / "logs" / "setup.log"


def extra_arguments() -> list[str]:
    """What the user passed as `make target ARGS="..."`."""
    return shlex.split(os.environ.get("ARGS", ""))


def development_environment(*locks: str) -> None:
    """Continue inside `.venv` with the development lock (and others) installed."""
    python_env.enter(LOG)
    python_env.install("dev", *locks, log=LOG)


def tool(*command: str, env: Mapping[str, str] | None = None) -> int:
    """Run a program of `.venv` on the terminal."""
    return run_group(command, env=python_env.environment(env or os.environ))


def management_environment(env: Mapping[str, str]) -> dict[str, str]:
    """For commands that look at code only: test settings, a Redis address where nobody answers."""
    return {**env, "DJANGO_SETTINGS_MODULE": "config.settings.test", "REDIS_URL": "redis://127.0.0.1:1/0"}


@contextmanager
def scratch() -> Iterator[dict[str, str]]:
    """This environment with a folder for temporary files that is gone afterwards, whatever was left in it."""
    with tempfile.TemporaryDirectory(prefix="paiban-", ignore_cleanup_errors=True) as folder:
        yield {**os.environ, "TMPDIR": folder}


def frontend(_: list[str]) -> int:
    """Build the front end when its sources have changed."""
    python_env.enter(LOG)
    node_env.build_frontend(LOG)
    say("static/build is up to date.")
    return 0


def format_code(_: list[str]) -> int:
    """Apply ruff's formatter and its safe fixes."""
    development_environment()
    fixed = tool("ruff", "check", "--fix-only", "--quiet", ".")
    return tool("ruff", "format", ".") or fixed


def lock(_: list[str]) -> int:
    """Resolve every requirements/*.in into its lock, for all supported Pythons at once."""
    development_environment()
    for file in sorted(REQUIREMENTS.glob("*.in"), key=_base_first):
        say(f"Locking {file.name}")
        code = tool(*lock_command(file.name), *extra_arguments())
        if code != 0:
            raise Failure(f"{file.name} can't be resolved.")
    return 0


def lock_command(name: str) -> Sequence[str]:
    """The command that turns `name` into its lock; the lock names no registry."""
    return (
        *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"),
        *("--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "make lock"),
        *(f"requirements/{name}", "--output-file", f"requirements/{name.removesuffix('.in')}.txt"),
    )


def docs(_: list[str]) -> int:
    """Write docs/openapi.yaml and the generated pages again."""
    development_environment()
    with scratch() as env:
        return tool("python", "manage.py", "generate_references", env=management_environment(env))


def snapshots(_: list[str]) -> int:
    """Record the contracts again: the tests marked for it rewrite their files instead of comparing."""
    development_environment()
    with scratch() as env:
        env["PAIBAN_UPDATE_SNAPSHOTS"] = "1"
        return tool("python", "-m", "pytest", "-q", *(extra_arguments() or ["tests/contract"]), env=env)


def admin_password(_: list[str]) -> int:
    """Make a new one-time password for the first administrator of this data folder."""
    settings = read_settings()
    if not (settings.data / ".env").exists() and settings.starts_redis:
        raise Failure(f"{settings.data} holds no Paiban yet; make run makes it and prints the password.")
    python_env.enter(LOG)
    redis_url = settings.given.get("REDIS_URL") or f"redis://127.0.0.1:{free_port()}/0"
    env = child_environment(settings, keep_secrets(settings), redis_url)
    return tool("python", "manage.py", "reset_admin_password", *extra_arguments(), env=env)


def _base_first(file: os.PathLike[str]) -> tuple[bool, str]:
    return not str(file).endswith("base.in"), str(file)
