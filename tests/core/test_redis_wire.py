"""The wire against the suite's Redis, and against servers that misbehave."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from asgiref.sync import async_to_sync
from redis.exceptions import ConnectionError, RedisError, ResponseError, TimeoutError

from apps.core import redis, redis_wire
from apps.core.redis_scripts import Script
from apps.core.redis_wire import Wire

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def served(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> asyncio.Server:
    """A server that answers what a new connection says first, and then does what `serve` does."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port, made = server.sockets[0].getsockname()[1], redis.wire_connection

    def connection() -> object:
        found = made()
        found.port = port
        return found

    async def nothing(*_given: object, **_more: object) -> None:
        """These servers know no handshake."""

    monkeypatch.setattr(redis._Handed, "on_connect_check_health", nothing, raising=False)
    monkeypatch.setattr(redis, "wire_connection", connection)
    return server


def test_ask__many_at_once__each_gets_its_own_answer():
    async def work() -> list[str]:
        wire = Wire()
        return await asyncio.gather(*[wire.ask("ECHO", number) for number in range(500)])

    assert async_to_sync(work)() == [str(number) for number in range(500)]


def test_ask__error_between_answers__is_raised_for_its_caller_alone():
    async def work() -> list[object]:
        wire = Wire()
        asked = [wire.ask("ECHO", "a"), wire.ask("NO-SUCH-COMMAND"), wire.ask("ECHO", "b")]
        return await asyncio.gather(*asked, return_exceptions=True)

    first, second, third = async_to_sync(work)()

    assert (first, third) == ("a", "b")
    assert isinstance(second, ResponseError)


def test_script__unknown_to_the_server__is_sent_whole_and_known_from_then_on():
    script = Script("return {KEYS[1], ARGV[1], 'never seen before'}")
    redis.client().script_flush()

    async def work() -> list[object]:
        return [await script(["k"], 1), await script(["k"], 2)]

    assert async_to_sync(work)() == [["k", "1", "never seen before"], ["k", "2", "never seen before"]]


def test_ask__caller_gone__runs_and_answers_of_others_stay_theirs():
    async def work() -> str:
        wire = Wire()
        await wire.ask("DEL", "wire:gone")
        given_up = wire.ask("INCR", "wire:gone")
        given_up.cancel()
        return str(await wire.ask("GET", "wire:gone"))

    assert async_to_sync(work)() == "1"


def test_connection__cut_by_the_server__the_next_command_connects_anew():
    async def work() -> list[object]:
        wire = Wire()
        number = await wire.ask("CLIENT", "ID")
        redis.client().client_kill_filter(_id=str(number))
        told: list[object] = []
        while not told or isinstance(told[-1], ConnectionError):
            told += await asyncio.gather(wire.ask("ECHO", "again"), return_exceptions=True)
        return told

    assert async_to_sync(work)()[-1] == "again"


def test_server__closes_before_it_answers__nothing_is_sent_twice(monkeypatch):
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read(1000))

    async def work() -> list[object]:
        async with await served(serve, monkeypatch):
            wire = Wire()
            return await asyncio.gather(wire.ask("INCR", "a"), wire.ask("INCR", "b"), return_exceptions=True)

    told = async_to_sync(work)()

    assert [type(one) for one in told] == [ConnectionError, ConnectionError]
    assert b"".join(received).count(b"INCR") == 2


def test_server__silent__callers_are_told_in_time(monkeypatch):
    monkeypatch.setattr(redis_wire, "ANSWER_SECONDS", 0.05)

    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            pass

    async def work() -> list[object]:
        async with await served(serve, monkeypatch):
            wire = Wire()
            return await asyncio.gather(wire.ask("INCR", "a"), return_exceptions=True)

    assert isinstance(async_to_sync(work)()[0], TimeoutError)


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"+OK\r\n+OK\r\n+OK\r\n"])
def test_server__talks_nonsense__is_cut_off(said, monkeypatch):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(said)
        await reader.read(1000)

    async def work() -> tuple[list[object], object]:
        async with await served(serve, monkeypatch):
            wire = Wire()
            told = await asyncio.gather(wire.ask("PING"), wire.ask("PING"), return_exceptions=True)
            await asyncio.sleep(0)
            return told, wire._transport

    told, transport = async_to_sync(work)()

    assert transport is None
    assert told == ["OK", "OK"] or all(isinstance(one, RedisError) for one in told)


def test_nobody_listens__every_caller_is_told():
    async def work() -> list[object]:
        wire = Wire()
        return await asyncio.gather(*[wire.ask("PING") for _number in range(3)], return_exceptions=True)

    made = redis.wire_connection

    def nowhere() -> object:
        found = made()
        found.port = 1
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redis, "wire_connection", nowhere)
        told = async_to_sync(work)()

    assert [type(one) for one in told] == [ConnectionError] * 3
