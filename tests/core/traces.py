"""All that an installation leaves behind, rows, Redis, files and logs, to be searched for what must not be there."""

import base64
import logging as stdlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any
from urllib.parse import quote

import redis
from django.conf import settings
from django.db import connection
from structlog.stdlib import ProcessorFormatter

from apps.core import logging


def shapes(secret: str, *, shown: int = 8) -> list[str]:
    """As a leak of `secret` could look; up to `shown` characters of either end may be there where they say so."""
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    inner = secret[shown : shown + 12] if shown > 8 else secret[:8]
    return [secret, encoded, quote(secret, safe=""), secret[::-1], inner, *([] if shown > 8 else [secret[-8:]])]


def everything() -> dict[str, str]:
    """All that is stored, by where it is."""
    return {"rows": rows(), "redis": redis_values(), "files": files()}


def rows() -> str:
    """Every value of every table, also of those without a model."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found.append(f"{table}: {cursor.fetchall()!r}")
    return "\n".join(found)


def redis_values() -> str:
    """Every key with its value as it is, whatever its type; what was compressed is opened."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    return "\n".join(f"{key!r}: {_opened(_value(client, key))}" for key in client.scan_iter())


def _value(client: Any, key: bytes) -> Any:
    reads = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"list": lambda name: client.lrange(name, 0, -1),
        b"set": client.smembers,
        b"zset": lambda name: client.zrange(name, 0, -1),
        b"stream": client.xrange,
        b"none": lambda _name: None,
    }
    return reads[client.type(key)](key)


def _opened(value: Any) -> str:
    if isinstance(value, bytes):
        try:
            return repr(zlib.decompress(value))
        except zlib.error:
            pass
    return repr(value)


def files() -> str:
    """Every file of the data folder but the database and Redis's own."""
    kept = [path for path in settings.DATA_DIR.rglob("*") if path.is_file()]
    ours = [path for path in kept if "sqlite3" not in path.name and "redis" not in path.parts]
    return "\n".join(f"{path}: {path.read_bytes()!r}" for path in ours)


@contextmanager
def journal() -> Iterator[StringIO]:
    """What the product's own log would have written at DEBUG, with tracebacks, as in production."""
    sink = StringIO()
    logging.configure(fmt="json", level="DEBUG")
    handlers = [one for one in stdlib.getLogger().handlers if isinstance(one.formatter, ProcessorFormatter)]
    for handler in handlers:
        handler.setStream(sink)  # type: ignore[attr-defined]  # they are stream handlers
    try:
        yield sink
    finally:
        logging.configure(fmt=settings.LOG_FORMAT, level=settings.LOG_LEVEL)
