"""One connection to a server: one request at a time, its answer read by llhttp, Node's parser (HTTP/1.1, RFC 9112)."""

import asyncio
from typing import Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from apps.core.http_wire.answer import Answer
from apps.core.http_wire.errors import AnswerCut, AnswerMalformed

LARGEST_HEAD = 64 * 1024  # bytes of status line and headers
JOINED = 64 * 1024  # bytes of a body that are copied behind its head, to go out in one write


class Owner(Protocol):
    """Where connections rest between two requests."""

    def give_back(self, connection: "Connection") -> None:
        """It is free for the next request."""

    def forget(self, connection: "Connection") -> None:
        """It is gone, or going."""


class Connection(asyncio.Protocol):
    """Belongs to one loop and to one owner, which it tells when it is free and when it is gone."""

    def __init__(self, owner: Owner, server: tuple[str, int, bool]) -> None:
        self.server = server
        self.free_since = 0.0
        self._owner = owner
        self._parser = HttpResponseParser(self)
        self._answer: Answer | None = None
        self._transport: asyncio.Transport | None = None
        self._headers: dict[str, str] = {}
        self._head_size = 0
        self._in_head = True
        self._ends_with_connection = False

    @property
    def is_open(self) -> bool:
        """Whether a request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, head: bytes, body: bytes) -> Answer:
        """Send a request; its answer arrives from now on. Raises `AnswerCut` where the connection is gone."""
        if self._transport is None or self._transport.is_closing():
            raise AnswerCut("closed")
        answer = self._answer = Answer(self)
        self._in_head, self._head_size, self._headers = True, 0, {}
        if len(body) <= JOINED:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))
        return answer

    # The transport's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._answer is None:  # nobody asked
            self.drop()
            return
        if self._in_head:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as exc:
            self._fail(AnswerMalformed(type(exc).__name__))
            self.drop()  # what came may stand behind a whole answer: the parser is of no use any more
            return
        if self._in_head and self._head_size > LARGEST_HEAD and self._answer is not None:
            self._fail(AnswerMalformed("headers without end"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        answer = self._answer
        if answer is not None and exc is None and self._ends_with_connection and not self._in_head:
            self._answer = None
            answer.finish()
        self._fail(AnswerCut("the connection was closed"))
        self._owner.forget(self)

    # The parser's side.

    def on_message_begin(self) -> None:
        if self._answer is None:  # bytes behind the end of an answer
            self.drop()

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self._headers) < 1000:
            self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 or self._answer is None:  # such as 100 Continue: the answer is still to come
            self._headers = {}
            return
        self._in_head = False
        has_end = "content-length" in self._headers or "chunked" in self._headers.get("transfer-encoding", "").lower()
        self._ends_with_connection = not has_end
        self._answer.begin(status, self._headers)

    def on_body(self, data: bytes) -> None:
        if self._answer is not None:
            self._answer.feed(data)

    def on_message_complete(self) -> None:
        answer = self._answer
        if self._in_head or answer is None:
            return
        self._answer = None
        answer.finish()
        transport = self._transport
        # A server that answers before it has heard everything has not read the rest of the request.
        if transport is None or transport.get_write_buffer_size() or not self._parser.should_keep_alive():
            self.drop()
        else:
            self._owner.give_back(self)

    # The answer's side.

    def pause(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def drop(self) -> None:
        self._answer = None
        self._owner.forget(self)
        if self._transport is not None:
            self._transport.abort()

    def _fail(self, error: Exception) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.fail(error)
