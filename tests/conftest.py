"""What every test stands on: people with roles, an API client over both lanes, released demo features."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.utils import translation
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from apps.accounts.models import User
from apps.accounts.tokens import sign_access
from apps.core import health, redis
from apps.core.cache import cache
from apps.core.config import reader, subscriber
from apps.features import delivery
from apps.mcp.services import tools as mcp_tools

# `HYPOTHESIS_PROFILE=nightly` looks harder. The autouse fixture below is cheap and safe to share among examples.
_CALM = {"deadline": None, "database": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
hypothesis_settings.register_profile("default", max_examples=60, stateful_step_count=20, **_CALM)
hypothesis_settings.register_profile("nightly", max_examples=2_000, stateful_step_count=60, **_CALM)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# The subscriber's thread outlives single tests and may not ask their databases; a test that wants its look calls it.
look_at_the_table = subscriber.tick
subscriber.tick = lambda: None


@pytest.fixture(autouse=True)
def _clean_slate() -> Iterator[None]:
    """No configuration, no Redis key and no health verdict of another test is seen."""
    redis.client().flushdb()
    cache.reset()
    translation.deactivate()  # a request in Chinese leaves its language behind
    reader.reset()
    delivery.forget()
    shutil.rmtree(settings.CONFIG_BACKUP_DIR, ignore_errors=True)
    health._cache.clear()
    yield
    reader.reset()


def make_user(username: str = "alice", *, role: str = "member", **extra: Any) -> User:
    """A user with a role and the password `secret-pass-1`."""
    user = User.objects.create_user(username=username, password="secret-pass-1", is_staff=role != "member", **extra)
    user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture
def member(db: None) -> User:
    return make_user("mia")


@pytest.fixture
def stranger(db: None) -> User:
    return make_user("sam")


@pytest.fixture
def operator(db: None) -> User:
    return make_user("olga", role="admin")


@pytest.fixture
def editor(db: None) -> User:
    return make_user("eddy", role="editor")


@pytest.fixture
def viewer(db: None) -> User:
    return make_user("vera", role="viewer")


@contextmanager
def _connections_kept() -> Iterator[None]:
    """As Django's own test client does: the end of a request must not close the test's connection."""
    ends = (request_started, request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in ends:
            signal.connect(close_old_connections)


class Api:
    """Speaks HTTP to the whole ASGI application, as one user or as nobody."""

    def __init__(self, user: User | None = None) -> None:
        self._headers = {"Authorization": f"Bearer {sign_access(user)}"} if user else {}

    def request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        headers = {**self._headers, **kwargs.pop("headers", {})}
        with _connections_kept():
            return async_to_sync(self._send)(method, path, headers=headers, **kwargs)

    async def _send(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        from config.asgi import application

        transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return await client.request(method, path, **kwargs)

    def get(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.request("GET", path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.request("POST", path, **kwargs)

    def patch(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.request("PATCH", path, **kwargs)


@pytest.fixture
def api() -> Callable[[User | None], Api]:
    return Api


_discovered: dict[str, Any] = {}


@pytest.fixture
def demo(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seeded installation: demo people, models, tools and features.

    The tool server is asked for its tools once per test process; starting it takes over a second.
    """
    real = mcp_tools.list_tools

    async def list_once(target: Any, find: Any) -> Any:
        if target.server not in _discovered:
            _discovered[target.server] = await real(target, find)
        return _discovered[target.server]

    monkeypatch.setattr(mcp_tools, "list_tools", list_once)
    call_command("seed", "--credentials", "/dev/null")
