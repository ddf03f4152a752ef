"""Is it alive, and can it work? Results are cached for a second, so that probes cost nothing."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from redis.exceptions import RedisError

from apps.core import redis
from apps.core.config import reader

STARTED = time.time()
CACHE_SECONDS = 1.0
STALE_SECONDS = 60.0  # configuration that nobody confirmed for so long
_cache: dict[str, tuple[float, dict[str, Any]]] = {}
_failing: dict[str, float] = {}  # since when this process finds a dependency away


def _measured(name: str, probe: Callable[[], None]) -> dict[str, Any]:
    """`{ok, latency}` of `probe` in milliseconds, at most a second old."""
    seen = _cache.get(name)
    if seen and time.monotonic() - seen[0] < CACHE_SECONDS:
        return seen[1]
    started = time.perf_counter()
    try:
        probe()
        _failing.pop(name, None)
        result: dict[str, Any] = {"ok": True, "latency": round((time.perf_counter() - started) * 1000, 2)}
    except (DatabaseError, RedisError) as exc:
        _failing.setdefault(name, time.time())
        result = {"ok": False, "error": type(exc).__name__}
    _cache[name] = (time.monotonic(), result)
    return result


def _probe_db() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _probe_redis() -> None:
    client = redis.client()
    client.set(redis.key("health"), "1", ex=10)
    if client.get(redis.key("health")) != "1":
        raise RedisError("the value written was not read back")


PROBES: dict[str, Callable[[], None]] = {"db": _probe_db, "redis": _probe_redis}


def _dependencies() -> dict[str, dict[str, Any]]:
    return {name: _measured(name, probe) for name, probe in PROBES.items()}


def _config() -> dict[str, Any]:
    """What configuration is served: from where, how long ago confirmed (seconds), and what is refused."""
    age = reader.age()
    return {
        "ok": age <= STALE_SECONDS and not reader.refused and reader.source != "backup",
        "revision": reader.revision,
        "age": round(age, 1),
        "source": reader.source,
        "refused": sorted(reader.refused),
    }


def overview() -> dict[str, dict[str, Any]]:
    """Redis under `redis`, what configuration is served under `config`; a second old at most, and without a query."""
    return {"redis": _measured("redis", PROBES["redis"]), "config": _config()}


def failing_since(name: str) -> float | None:
    """When this process first found `db` or `redis` away, in seconds since 1970; None when it answers."""
    _measured(name, PROBES[name])
    return _failing.get(name)


def _answer(dependencies: dict[str, dict[str, Any]], *, failing_status: int = 200) -> JsonResponse:
    config = _config()
    well = config["ok"] and all(d["ok"] for d in dependencies.values())
    body = {
        "status": "ok" if well else "degraded",
        "deps": dependencies,
        "config": config,
        "version": settings.VERSION,
        "startedAt": round(STARTED),
        "configRevision": reader.revision,
    }
    return JsonResponse(body, status=200 if well else failing_status)


def health(request: HttpRequest) -> JsonResponse:
    """200 while the process lives; `degraded` names what does not."""
    return _answer(_dependencies())


def health_db(request: HttpRequest) -> JsonResponse:
    """The database alone."""
    return _answer({"db": _measured("db", _probe_db)})


def health_redis(request: HttpRequest) -> JsonResponse:
    """Redis alone."""
    return _answer({"redis": _measured("redis", _probe_redis)})


def readyz(request: HttpRequest) -> JsonResponse:
    """503 when this process should get no traffic."""
    return _answer(_dependencies(), failing_status=503)


def version(request: HttpRequest) -> JsonResponse:
    """Which Paiban this is."""
    return JsonResponse({"version": settings.VERSION})
