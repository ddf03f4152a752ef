"""An installation to rehearse on: Redis, a database, an upstream, and an endpoint in a crowd of others."""

import base64
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.processes import free_port, start_child

MODEL = "bench-chat"
PRICE = 1_000_000  # micro-credits of one call: a credit
CROWD = 199  # endpoints beside the one that is called; 200 with it
TOOL_SERVERS = 20
SECRET = "sk-rehearsal-{:04d}-0123456789"


def new_entry(name: str) -> str:
    """An entry for `PAIBAN_MASTER_KEYS`."""
    return f"{name}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


@dataclass
class Site:
    """Where it lies, what its processes have to know, and who runs it."""

    folder: Path
    environment: dict[str, str]
    staff: Any
    spare: str  # an endpoint that nobody calls

    def bearer(self, user: Any) -> str:
        """An access token, fresh for a quarter of an hour."""
        from apps.accounts.tokens import sign_access

        return f"Bearer {sign_access(user)}"


@contextmanager
def standing(folder: Path) -> Iterator[Site]:
    """The installation, with Django set up on it in this process."""
    from ops.redis_server import start_redis

    upstream = free_port()
    with start_redis(folder / "redis") as redis:
        environment = _environment(folder, redis.url)
        os.environ |= environment | {"DJANGO_ALLOW_ASYNC_UNSAFE": "1"}  # of the preparations in this process
        command = [sys.executable, "-m", "bench.gateway_parts.upstream", str(upstream)]
        model_server = start_child(command, stdout=subprocess.DEVNULL)
        try:
            yield _furnished(folder, environment, f"http://127.0.0.1:{upstream}/v1")
        finally:
            model_server.terminate()
            model_server.wait(timeout=10)


def _environment(folder: Path, redis_url: str) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings.dev",
        "PAIBAN_DATA_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'paiban.sqlite3'}",
        "REDIS_URL": redis_url,
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PAIBAN_SIGNING_KEY": secrets.token_urlsafe(64),
        "PAIBAN_MASTER_KEYS": new_entry("k1"),
        "PAIBAN_OUTBOUND_ALLOWED_HOSTS": "127.0.0.1",
        "PAIBAN_PROVIDER_CHECK_SECONDS": "0",
        "PAIBAN_LOG_LEVEL": "WARNING",
    }


def _furnished(folder: Path, environment: dict[str, str], base_url: str) -> Site:
    import django

    django.setup()
    from django.core.management import call_command

    from apps.accounts.models import User
    from apps.core import logging
    from apps.providers.services import release_catalogue

    logging.configure(fmt="console", level="ERROR")
    call_command("migrate", verbosity=0)
    staff = User.objects.create_superuser(username="staff", password=None)
    _endpoint("bench", base_url, MODEL, SECRET.format(0))
    for number in range(1, CROWD + 1):
        _endpoint(f"crowd-{number}", f"https://m{number}.example/v1", f"model-{number}", SECRET.format(number))
    for number in range(TOOL_SERVERS):
        _tool_server(number)
    release_catalogue(by=None)
    return Site(folder, environment, staff, spare="crowd-1")


def _endpoint(key: str, base_url: str, model: str, plaintext: str) -> None:
    """As the service makes it, but for the release: one for all of them is enough."""
    from apps.core.crypto import encrypt, mask
    from apps.providers.models import Endpoint, Offer, Secret

    limits = {"max_concurrency": 500, "rpm": 10_000_000, "tpm": 2_000_000_000}
    row = Endpoint.objects.create(key=key, name=key, handler_key="openai", base_url=base_url, max_retries=0, **limits)
    # 64 tokens come of every call, and each may set 64 aside: a credit, before and after.
    prices = {"price_input": 0, "price_output": PRICE * 1_000_000 // 64}
    Offer.objects.create(endpoint=row, model=model, capabilities=["chat"], **prices)
    secret = Secret(endpoint=row, hint=mask(plaintext), version=secrets.randbelow(2**53), address=row.address)
    secret.blob = encrypt(plaintext, bound_to=secret.bound_to)
    secret.save()


def _tool_server(number: int) -> None:
    from apps.mcp import services

    fields = {"name": f"Tools {number}", "transport": "http", "url": f"https://tools{number}.example/mcp"}
    services.create_server(f"tools-{number}", fields, token=f"tok-rehearsal-{number:04d}-0123456789", by=None)
