"""An installation to kill: its database, Redis, model server, one feature, and users who run it."""

import base64
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from tests.faults.chaos.nursery import Nursery
from tests.faults.chaos.outside import ModelServer

FEATURE: Final = "faults"
PRICE: Final = 2
CREDITS: Final = 1_000_000  # nobody runs out: a refusal would not be a loss
MODEL: Final = "faults-chat"
FORM: Final = {
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {"text": {"type": "string", "maxLength": 60}},
}


def graph() -> dict[str, Any]:
    """Two model calls side by side, a condition, a third call on the one way and none on the other."""

    def node(key: str, kind: str, config: dict[str, Any] | None = None, **inputs: str) -> dict[str, Any]:
        return {"id": key, "type": kind, "config": config or {}, "inputs": inputs}

    nodes = [
        node("start", "start"),
        node("left", "llm_chat", text="{{ start.text }} left"),
        node("right", "llm_chat", text="{{ start.text }} right"),
        node("even", "condition", {"expression": "text.matches('[02468]$')"}, text="{{ start.text }}"),
        node("last", "llm_chat", text="{{ start.text }} last"),
        node("end", "end", text="{{ left.text }} {{ right.text }}"),
    ]
    ways = [("start", "left", ""), ("start", "right", ""), ("left", "even", ""), ("right", "even", "")]
    ways += [("even", "last", "true"), ("last", "end", ""), ("even", "end", "false")]
    return {"nodes": nodes, "edges": [{"source": a, "target": b, "when": when} for a, b, when in ways]}


@dataclass
class Installation:
    """Where it lies, and what its processes have to know."""

    folder: Path
    nursery: Nursery
    models: ModelServer
    redis_port: int
    users: list[Any] = field(default_factory=list)

    def bearer(self, user: Any) -> str:
        """A fresh access token."""
        from apps.accounts.tokens import sign_access

        return f"Bearer {sign_access(user)}"


@contextmanager
def installed(folder: Path, *, seed: int, users: int, in_place: bool = False) -> Iterator[Installation]:
    """The installation, with Django set up on it in this process; its processes are not started.

    It gets a database of its own, or with `in_place` that of `DATABASE_URL`, which has to be migrated and empty.
    """
    from ops.processes import free_port

    redis_port = free_port()
    url, drop = (os.environ["DATABASE_URL"], _keep) if in_place else _database(folder)
    os.environ |= _environment(folder, url, f"redis://127.0.0.1:{redis_port}/0")
    nursery = Nursery()
    models = ModelServer(seed).start()
    try:
        if not in_place:
            _migrate()
        yield Installation(folder, nursery, models, redis_port, _furnish(models.url, users))
    finally:
        models.stop()
        nursery.close()
        drop()


def _keep() -> None:
    """Somebody else's database stays."""


def _database(folder: Path) -> tuple[str, Any]:
    """The address of a new database, and how to be rid of it: a file, or beside the one in DATABASE_URL."""
    given = os.environ.get("DATABASE_URL", "")
    if not given.startswith("mysql:"):
        return f"sqlite:///{folder / 'paiban.sqlite3'}", _keep
    import MySQLdb

    parts = urlsplit(given)
    name = f"{parts.path.strip('/') or 'paiban'}_faults_{secrets.token_hex(3)}"
    login = {"host": parts.hostname, "port": parts.port or 3306, "user": parts.username, "passwd": parts.password or ""}

    def execute(statement: str) -> None:
        connection = MySQLdb.connect(**login)
        connection.cursor().execute(statement)
        connection.close()

    execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    return urlunsplit(parts._replace(path=f"/{name}")), lambda: execute(f"DROP DATABASE `{name}`")


def _environment(folder: Path, database: str, redis_url: str) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings.dev",
        "PAIBAN_DATA_DIR": str(folder / "data"),
        "DATABASE_URL": database,
        "REDIS_URL": redis_url,
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PAIBAN_SIGNING_KEY": secrets.token_urlsafe(64),
        "PAIBAN_MASTER_KEYS": f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "PAIBAN_OUTBOUND_ALLOWED_HOSTS": "127.0.0.1",
        "PAIBAN_PROVIDER_CHECK_SECONDS": "0",
        "PAIBAN_WELCOME_CREDITS": str(CREDITS),
        "PAIBAN_LOG_LEVEL": "WARNING",
    }


def _migrate() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _furnish(model_url: str, users: int) -> list[Any]:
    from apps.accounts.models import User
    from apps.core import logging

    logging.configure(fmt="console", level="ERROR")
    _model(model_url)
    _feature()
    return [User.objects.create_user(username=f"user-{number}", password=None) for number in range(users)]


def _model(model_url: str) -> None:
    from apps.providers.models import Endpoint, Offer
    from apps.providers.services import release_catalogue, set_secret

    limits = {"max_concurrency": 500, "rpm": 10_000_000, "tpm": 2_000_000_000}
    row = Endpoint.objects.create(key="faults", name="Faults", handler_key="openai", base_url=model_url, **limits)
    Offer.objects.create(endpoint=row, model=MODEL, capabilities=["chat"])
    set_secret(row, "sk-faults-0123456789abcdef", by=None)
    release_catalogue(by=None)


def _feature() -> None:
    from apps.features.models import Feature, MenuGroup
    from apps.features.services import publish_feature
    from apps.pipelines.models import Pipeline

    output = {"type": "object", "properties": {"text": {"type": "string"}}}
    Feature.objects.create(
        key=FEATURE,
        title="Faults",
        menu=MenuGroup.objects.create(key="faults", title="Faults"),
        cost=PRICE,
        pipeline=Pipeline.objects.create(key=FEATURE, name="Faults", graph=graph()),
        form_schema=FORM,
        output_schema=output,
    )
    publish_feature(FEATURE, by=None)
