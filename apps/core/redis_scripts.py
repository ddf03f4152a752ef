"""Lua on the Redis server: scripts by their digest, and those that are called in one breath sent in one."""

import asyncio
import hashlib
from collections.abc import Sequence
from contextvars import Context
from typing import Any

from redis.exceptions import NoScriptError, RedisError

from apps.core import redis
from apps.core.per_loop import PerLoop

Value = str | int | float


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
        return _sender().add(self, (len(keys), *keys, *arguments))

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


Call = tuple[Script, tuple[Value, ...], "asyncio.Future[Any]"]


class Sender:
    """Gathers what one turn of a loop calls; 16 calls in one pipeline cost a quarter of 16 calls."""

    def __init__(self) -> None:
        self._waiting: list[Call] = []
        self._sending: set[asyncio.Task[None]] = set()

    def add(self, script: Script, arguments: tuple[Value, ...]) -> "asyncio.Future[Any]":
        """The future result of `script`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush, context=Context())
        self._waiting.append((script, arguments, future))
        return future

    def _flush(self) -> None:
        calls, self._waiting = self._waiting, []
        task = asyncio.get_running_loop().create_task(_send(calls), name="redis-scripts")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)


async def _send(calls: list[Call]) -> None:
    """Run `calls` and tell each its result."""
    try:
        results = await _run(calls)
    except RedisError as exc:
        results = [exc] * len(calls)
    except BaseException as exc:
        # The loop is ending, or a fault of ours: nobody may wait for ever.
        for _script, _arguments, future in calls:
            if not future.done():
                future.cancel() if isinstance(exc, asyncio.CancelledError) else future.set_exception(exc)
        raise
    for (_script, _arguments, future), result in zip(calls, results, strict=True):
        if future.done():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)


async def _run(calls: list[Call]) -> list[Any]:
    client = redis.async_client()
    if len(calls) == 1:
        script, arguments, _future = calls[0]
        try:
            return [await client.execute_command("EVALSHA", script.digest, *arguments)]  # type: ignore[no-untyped-call]
        except NoScriptError:
            return [await client.execute_command("EVAL", script.text, *arguments)]  # type: ignore[no-untyped-call]
    pipeline = client.pipeline(transaction=False)
    for script, arguments, _future in calls:
        pipeline.execute_command("EVALSHA", script.digest, *arguments)
    results: list[Any] = await pipeline.execute(raise_on_error=False)
    for number, (script, arguments, _future) in enumerate(calls):
        if isinstance(results[number], NoScriptError):
            results[number] = await client.execute_command("EVAL", script.text, *arguments)  # type: ignore[no-untyped-call]
    return results


_sender = PerLoop(Sender)
