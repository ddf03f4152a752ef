"""Which call is which task: cancelling comes as a request of its own, perhaps to another process.

A client's numbers of requests are its own only within a session, so the server gives each client a session's name;
there is nothing else to a session.
"""

import re
import secrets
from typing import Any

import structlog
from redis.exceptions import RedisError

from apps.core import redis
from apps.core.aio import in_thread
from apps.core.lane.identity import Principal

log = structlog.get_logger("mcp")

HEADER = "mcp-session-id"
KEPT_SECONDS = 24 * 3600  # no call that anybody still waits for is older
_NAME = re.compile(r"[A-Za-z0-9_-]{16,64}")


def new_session() -> str:
    """A name that nobody guesses."""
    return secrets.token_urlsafe(18)


def session_of(header: str | None) -> str:
    """The session that a request names; "" for none, or for what is no name of ours."""
    return header if header and _NAME.fullmatch(header) else ""


async def remember(principal: Principal, session: str, request_id: Any, call_id: str) -> None:
    """Note that the request is this call. Without Redis it cannot be cancelled, and goes on."""
    if session:
        await in_thread(_remember)(_key(principal, session, request_id), call_id)


def _remember(key: str, call_id: str) -> None:
    try:
        redis.client().set(key, call_id, ex=KEPT_SECONDS)
    except RedisError:
        log.warning("mcp.call_not_noted", call=call_id)


async def call_of(principal: Principal, session: str, request_id: Any) -> str:
    """The call that the request began, or ""."""
    return await in_thread(_recall)(_key(principal, session, request_id)) if session else ""


def _recall(key: str) -> str:
    try:
        return str(redis.client().get(key) or "")
    except RedisError:
        return ""


def _key(principal: Principal, session: str, request_id: Any) -> str:
    key = principal.key.id if principal.key else 0
    return redis.key(f"mcp:call:{principal.user_id}:{key}:{session}:{type(request_id).__name__}:{request_id}")
