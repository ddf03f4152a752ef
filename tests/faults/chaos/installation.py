"""An installation to kill: its database, Redis, the world outside, its features, and users who run them."""

import base64
import os
import secrets
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import django

from tests.faults.chaos.nursery import Nursery
from tests.faults.chaos.outside import Outside
from tests.faults.chaos.scenes import PREFIX, WORD, Scene, scenes, word

PRICE: Final = 2
OUTPUT: Final = {"type": "object", "properties": {"text": {"type": "string"}}}
CREDITS: Final = 1_000_000  # nobody runs out: a refusal would not be a loss
MODEL: Final = "faults-chat"
FORM: Final = {
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {"text": {"type": "string", "maxLength": 60}},
}


@dataclass
class Installation:
    """Where it lies, and what its processes have to know."""

    folder: Path
    nursery: Nursery
    outside: Outside
    redis_port: int
    scenes: dict[str, Scene]
    users: list[Any]
    staff: Any  # somebody who may answer what a run asks the staff

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
    outside = Outside(seed)
    os.environ |= _environment(folder, url, f"redis://127.0.0.1:{redis_port}/0")
    os.environ["PAIBAN_PIPELINE_HOSTS"] = outside.host
    django.setup()
    certificate = _certificate()
    nursery = Nursery()
    outside.start(certificate)
    try:
        if not in_place:
            _migrate()
        acts = scenes(outside.host)
        _furnish(outside.url, acts)
        yield Installation(folder, nursery, outside, redis_port, acts, _users(users), _staff())
    finally:
        outside.stop()
        nursery.close()
        drop()


def _certificate() -> ssl.SSLContext:
    """For the service outside. Whoever is forked from this process trusts it, as this process does."""
    from tests.pipelines.nodes.web import certificate

    return certificate()


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


def _furnish(model_url: str, acts: dict[str, Scene]) -> None:
    from apps.core import logging

    logging.configure(fmt="console", level="ERROR")
    _model(model_url)
    _features(acts)


def _users(count: int) -> list[Any]:
    from django.contrib.auth.hashers import make_password

    from apps.accounts.models import User

    unusable = make_password(None)
    User.objects.bulk_create([User(username=f"user-{number}", password=unusable) for number in range(count)])
    return list(User.objects.filter(username__startswith="user-").order_by("pk"))


def _staff() -> Any:
    from apps.accounts.models import User

    return User.objects.create_superuser(username="staff", password=None)


def _model(model_url: str) -> None:
    from apps.providers.models import Endpoint, Offer
    from apps.providers.services import release_catalogue, set_secret

    limits = {"max_concurrency": 500, "rpm": 10_000_000, "tpm": 2_000_000_000}
    row = Endpoint.objects.create(key="faults", name="Faults", handler_key="openai", base_url=model_url, **limits)
    Offer.objects.create(endpoint=row, model=MODEL, capabilities=["chat"])
    set_secret(row, "sk-faults-0123456789abcdef", by=None)
    release_catalogue(by=None)


def _features(acts: dict[str, Scene]) -> None:
    from apps.features.models import Feature, MenuGroup
    from apps.features.services import publish_feature
    from apps.pipelines.models import Pipeline

    menu = MenuGroup.objects.create(key="faults", title="Faults")
    Pipeline.objects.create(key=WORD, name="Word", graph=word())
    for name, scene in acts.items():
        key = f"{PREFIX}{name}"
        pipeline = Pipeline.objects.create(key=key, name=name, graph=scene.graph)
        fields = {"menu": menu, "cost": PRICE, "pipeline": pipeline, "form_schema": FORM, "output_schema": OUTPUT}
        Feature.objects.create(key=key, title=name, **fields)
        publish_feature(key, by=None)
