"""Commands to Redis that a busy event loop sends: one connection, everything of one turn in one write, no task each.

The library makes the connection (address, TLS, password, database) and hands its transport over; from then on answers
are matched to commands by their order. Two thirds of what a command costs through its pool are saved.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import Any

import hiredis
from redis.exceptions import ConnectionError, NoScriptError, RedisError, ResponseError, TimeoutError

from apps.core import redis
from apps.core.per_loop import PerLoop

ANSWER_SECONDS = 2.0  # in which an answer has to be there: who waits for it answers a person meanwhile

Future = asyncio.Future[Any]
Value = str | int | float
Unknown = Callable[[], tuple[Value, ...]]
Call = tuple[Future, Unknown | None]


class Wire(asyncio.Protocol):
    """Belongs to one loop. It connects when the first command comes, and again after it was cut.

    A command that may have reached the server is never sent twice.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[bytes, Call]] = []
        self._sent: deque[tuple[float, Call]] = deque()  # when, and who waits
        self._transport: asyncio.Transport | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._connection: Any = None  # owns the transport
        self._watch: asyncio.TimerHandle | None = None
        self._answers = _reader()

    def ask(self, *command: Value, unknown: Unknown | None = None) -> Future:
        """The future answer; it raises `RedisError`. Once asked it runs, even if nobody waits any more.

        `unknown` says what to send instead to a server that does not know the script.
        """
        future: Future = asyncio.get_running_loop().create_future()
        self._add(command, (future, unknown))
        return future

    def _add(self, command: tuple[Value, ...], call: Call) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush, context=Context())
        self._waiting.append((hiredis.pack_command(command), call))  # type: ignore[arg-type]  # its stubs are too narrow

    def _flush(self) -> None:
        if not self._waiting:
            return  # they were told meanwhile that the server is gone
        if self._transport is None:
            if self._connecting is None:
                self._connecting = asyncio.get_running_loop().create_task(self._connect(), name="redis-wire")
            return
        waiting, self._waiting = self._waiting, []
        now = asyncio.get_running_loop().time()
        self._sent.extend([(now, call) for _command, call in waiting])
        self._transport.write(b"".join([command for command, _call in waiting]))
        if self._watch is None:
            self._watch = asyncio.get_running_loop().call_later(ANSWER_SECONDS, self._look)

    async def _connect(self) -> None:
        connection = redis.wire_connection()
        try:
            await connection.connect()
        except RedisError as exc:
            self._fail(exc)
        except BaseException:
            self._fail(ConnectionError("The loop is ending."))
            raise
        else:
            self._answers = _reader()
            self._connection, self._transport = connection, connection.transport
            connection.transport.set_protocol(self)
            self._flush()
        finally:
            self._connecting = None

    def data_received(self, data: bytes) -> None:
        """Answers come in the order of the commands."""
        self._answers.feed(data)
        try:
            while (answer := self._answers.gets()) is not False:
                future, unknown = self._sent.popleft()[1]
                if unknown is not None and isinstance(answer, NoScriptError):
                    self._add(unknown(), (future, None))
                else:
                    _tell(future, answer)
        except (hiredis.HiredisError, IndexError) as exc:
            self._cut(ConnectionError(f"The answer makes no sense: {exc}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits is told; the next command connects anew."""
        self._cut(ConnectionError(f"The connection was closed: {exc or 'by the server'}"))

    def _look(self) -> None:
        self._watch = None
        if not self._sent:
            return
        loop = asyncio.get_running_loop()
        left = self._sent[0][0] + ANSWER_SECONDS - loop.time()
        if left <= 0:
            self._cut(TimeoutError("No answer in time."))
        else:
            self._watch = loop.call_later(left, self._look)

    def _cut(self, error: RedisError) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.set_protocol(asyncio.Protocol())  # it may tell of its end when the next one is there already
            transport.abort()
            self._connection.let_go()
        self._fail(error)

    def _fail(self, error: RedisError) -> None:
        """A server that is gone is gone for those whose turn did not come, too."""
        sent, self._sent = self._sent, deque()
        waiting, self._waiting = self._waiting, []
        for _command_or_time, (future, _unknown) in (*sent, *waiting):
            _tell(future, error)


def _reader() -> Any:
    return hiredis.Reader(encoding="utf-8", replyError=_error)


def _error(words: str) -> ResponseError:
    return NoScriptError(words) if words.startswith("NOSCRIPT") else ResponseError(words)


def _tell(future: Future, answer: Any) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)


# The wire of the running loop.
wire = PerLoop(Wire)
