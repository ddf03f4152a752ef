"""What the processes get to know: the data folder, secrets made once, addresses.

Only this module reads env files; the processes themselves read nothing but their environment.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops import python_env
from ops.workspace import ROOT, Failure

MARKER: Final = ".paiban-data"  # `make reset` empties no folder without it
SECRETS: Final[Mapping[str, Callable[[], str]]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(50),
    "PAIBAN_SIGNING_KEY": lambda: secrets.token_urlsafe(64),
    "PAIBAN_MASTER_KEYS": lambda: "k1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
}
HEADER: Final = (
    "# Made at the first start. Keep it with the database's backups and out of Git:\n"
    "# without PAIBAN_MASTER_KEYS the stored provider keys can't be read.\n"
)


@dataclass(frozen=True)
class Settings:
    """Where this instance lives and what was configured for it by hand."""

    data: Path
    host: str
    port: int
    given: Mapping[str, str]  # the real environment with the env files below it

    @property
    def url(self) -> str:
        """The address to open in a browser."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)
        return f"http://{host}:{self.port}"

    @property
    def log(self) -> Path:
        """Where the noise of preparing goes."""
        return self.data / "logs" / "setup.log"

    @property
    def starts_redis(self) -> bool:
        """Whether the server is ours to start."""
        return not self.given.get("REDIS_URL")

    @property
    def database_url(self) -> str:
        """The user's database, or the file in the data folder."""
        return self.given.get("DATABASE_URL") or f"sqlite:///{self.data / 'paiban.sqlite3'}"


def read_settings() -> Settings:
    """The real environment over `.env` beside the Makefile over `.env` in the data folder; empty is unset."""
    real = {name: value for name, value in os.environ.items() if value}
    given = {**read_env_file(ROOT / ".env"), **real}
    data = (ROOT / Path(given.get("PAIBAN_DATA_DIR", "var")).expanduser()).resolve()
    given = {**read_env_file(data / ".env"), **given}
    port = given.get("PORT", "8000")
    if not port.isdecimal() or not 1 <= int(port) <= 65_535:
        raise Failure(f"PORT must be a number from 1 to 65535, not {port!r}.")
    return Settings(data, given.get("HOST", "127.0.0.1"), int(port), given)


def make_data_dir(data: Path) -> None:
    """Make the data folder, closed to other users, and mark it as ours."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("logs", "media", "static", "work"):
        (data / name).mkdir(exist_ok=True)
    (data / MARKER).touch()


def keep_secrets(settings: Settings) -> dict[str, str]:
    """The instance's secrets: the user's, else those of an earlier start, else fresh ones that are kept.

    They live in `.env` of the data folder with mode 0600; nothing already there is ever rewritten.
    """
    file = settings.data / ".env"
    fresh = {name: make() for name, make in SECRETS.items() if not settings.given.get(name)}
    if fresh:
        text = "".join(f"{name}={value}\n" for name, value in fresh.items())
        text = text if file.exists() else HEADER + text
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as output:
            output.write(text)
            output.flush()
            os.fsync(output.fileno())
    if file.exists():
        file.chmod(0o600)
    return {name: settings.given.get(name) or fresh[name] for name in SECRETS}


def child_environment(settings: Settings, secrets_: Mapping[str, str], redis_url: str) -> dict[str, str]:
    """The complete environment of every process of this instance."""
    defaults = {
        "DJANGO_SETTINGS_MODULE": "config.settings.dev",
        "PAIBAN_BASE_URL": settings.url,
        "ALLOWED_HOSTS": ",".join(dict.fromkeys(["127.0.0.1", "localhost", "[::1]", settings.host])),
    }
    fixed = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": redis_url,
        "PAIBAN_DATA_DIR": str(settings.data),
        "HOST": settings.host,
        "PORT": str(settings.port),
    }
    return python_env.environment({**defaults, **settings.given, **secrets_, **fixed})


def read_env_file(file: Path) -> dict[str, str]:
    """`NAME=value` lines with optional quotes, `export` and comments; nothing is substituted."""
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{file} can't be read: {error}") from error
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if not name or name.startswith("#"):
            continue
        if not separator or not name.strip().isidentifier():
            raise Failure(f"{file}, line {number}: expected NAME=value.")
        values[name.strip()] = _unquoted(value.strip())
    return {name: value for name, value in values.items() if value}


def _unquoted(value: str) -> str:
    for quote in ('"', "'"):
        if value.startswith(quote) and quote in value[1:]:
            return value[1 : value.index(quote, 1)]
    return value.partition(" #")[0].rstrip()
