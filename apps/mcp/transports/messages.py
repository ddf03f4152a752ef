"""Between a wire that carries one message after the other and the SDK's pair of streams."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from apps.mcp.failures import Watch

Send = Callable[[bytes], Awaitable[None]]


@asynccontextmanager
async def streams(received: AsyncIterator[bytes], send: Send, watch: Watch) -> AsyncIterator[Any]:
    """The SDK's streams over `received` and `send`. They end with the wire, or with a message that is none."""
    into, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write, out_of = anyio.create_memory_object_stream[SessionMessage](0)

    async def pump_in() -> None:
        async with into:
            async for raw in received:
                if (message := _parsed(raw, watch)) is None:
                    return
                await into.send(message)

    async def pump_out() -> None:
        async with out_of:
            async for message in out_of:
                await send(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode())

    async with read, write, anyio.create_task_group() as tasks:
        tasks.start_soon(_quietly, pump_in)
        tasks.start_soon(_quietly, pump_out)
        try:
            yield read, write
        finally:
            tasks.cancel_scope.cancel()


async def _quietly(pump: Callable[[], Awaitable[None]]) -> None:
    """The session sees its stream end; how a wire broke is no concern of its owner's."""
    try:
        await pump()
    except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        return


def _parsed(raw: bytes, watch: Watch) -> SessionMessage | None:
    """The message, or None after `watch` was told. The parser refuses bad UTF-8 and deep nesting by itself."""
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(raw, by_name=False))
    except ValueError as exc:
        watch.invalid(str(exc).splitlines()[0] + ": " + raw[:80].decode(errors="replace"))
        return None
