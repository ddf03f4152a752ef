"""Lua on the Redis server: scripts by their digest, and those that are called in one breath sent in one write."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

from redis.exceptions import NoScriptError

from apps.core import redis
from apps.core.redis_wire import Value, wire


class Script:
    """A Lua script, read by the server once. The parts are put together, shared helpers first."""

    def __init__(self, *parts: str) -> None:
        self.text = "\n".join(parts)
        self.digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, keys: Sequence[str], *arguments: Value) -> Any:
        """What the script returned. Raises `RedisError`. Once called it runs, even if the caller is cancelled."""
        return await self.sent(keys, *arguments)

    def sent(self, keys: Sequence[str], *arguments: Value) -> "asyncio.Future[Any]":
        """The same as a future, for who has to know what became of it after a cancellation, and shields it."""
        given = (len(keys), *keys, *arguments)
        return wire().ask("EVALSHA", self.digest, *given, unknown=lambda: ("EVAL", self.text, *given))

    def now(self, keys: Sequence[str], *arguments: Value) -> Any:
        """The same for threads without a loop. Raises `RedisError`."""
        client = redis.client()
        try:
            return client.evalsha(self.digest, len(keys), *keys, *arguments)
        except NoScriptError:
            return client.eval(self.text, len(keys), *keys, *arguments)

    def now_for_each(self, sets: Sequence[Sequence[str]], *arguments: Value) -> list[Any]:
        """The same for several sets of keys, in one round trip. Raises `RedisError`."""
        pipeline = redis.client().pipeline(transaction=False)
        pipeline.script_load(self.text)
        for keys in sets:
            pipeline.evalsha(self.digest, len(keys), *keys, *arguments)
        return list(pipeline.execute())[1:]
