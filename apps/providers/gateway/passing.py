"""Answers of upstreams that speak OpenAI's wire, handed on byte by byte; only the counts are read.

A chunk of an upstream is forwarded as far as its last whole event. The event with the counts is asked for in any case,
because it is what the call is settled by, and taken out again where the caller did not ask for it.

A stream may go on for as long as the endpoint's timeout says, a minute where nobody set another, and for
`upstream.MAX_STREAM` bytes. The timeout is the client library's, too; it is looked at here for an upstream that sends
so fast that nobody ever waits for it, and for a caller that reads slowly.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from apps.core.errors import ApiError
from apps.providers import upstream
from apps.providers.admission import Permit
from apps.providers.errors import UpstreamFailed, UpstreamTimeout
from apps.providers.gateway.meter import Meter
from apps.providers.handlers.openai import limited, usage_of
from apps.providers.types import Candidate, Raw, Usage

log = structlog.get_logger("providers")

END = b"\n\n"
DRAIN_SECONDS = 0.05
MARKS = (b'"choices":[]', b'"choices": []', b"[DONE]", b'"error"')  # chunks without any of them are not looked into
LARGEST_REMEMBERED = 1024 * 1024  # bytes of a stream that are kept as they came in case its counts must be estimated
clock = time.perf_counter  # as in `Permit.at`


@dataclass(slots=True)
class Begun:
    """A raw stream of which the first whole events are there."""

    candidate: Candidate
    secret: str | None
    raw: Raw
    first: bytes
    rest: bytes  # the beginning of an event


def body_for(candidate: Candidate, body: Mapping[str, Any], *, stream: bool) -> bytes:
    """The caller's own request, for `candidate`'s model and with the counts asked for."""
    sent = {**limited(body, candidate), "model": candidate.model}
    if stream:
        sent["stream_options"] = {"include_usage": True}
    return msgspec.json.encode(sent)


async def whole(
    raw: Raw, candidate: Candidate, secret: str | None, *, member: str = "choices"
) -> tuple[bytes, dict[str, Any]]:
    """A plain answer and what it says; `member` is the list that it has to hold.

    Raises `UpstreamFailed` for what is no such answer.
    """
    with _closed_on_failure(raw, candidate, secret):
        body = await _all_of(raw, candidate)
        return body, _decoded(body, candidate, member)


async def _all_of(raw: Raw, candidate: Candidate) -> bytes:
    taken = bytearray()
    async for chunk in raw.chunks:
        taken += chunk
        if len(taken) > upstream.MAX_ANSWER:
            raise UpstreamFailed(endpoint=candidate.endpoint, what="an answer without end")
    return bytes(taken)


@contextmanager
def _closed_on_failure(raw: Raw, candidate: Candidate, secret: str | None) -> Iterator[None]:
    try:
        with upstream.failures_named(candidate, secret):
            yield
    except BaseException:
        raw.close()
        raise


def _decoded(body: bytes, candidate: Candidate, member: str) -> dict[str, Any]:
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as exc:
        raise UpstreamFailed(endpoint=candidate.endpoint, what="malformed answer") from exc
    if not isinstance(answer, dict):
        raise UpstreamFailed(endpoint=candidate.endpoint, what="malformed answer")
    if answer.get("error") or not isinstance(answer.get(member), list):
        raise UpstreamFailed(endpoint=candidate.endpoint, what=_words(answer.get("error")))
    return answer


async def begun(raw: Raw, candidate: Candidate, secret: str | None) -> Begun:
    """The stream once its first whole event is there. Raises `UpstreamFailed` for what is no stream of answers."""
    with _closed_on_failure(raw, candidate, secret):
        if raw.content_type != "text/event-stream":
            raise UpstreamFailed(endpoint=candidate.endpoint, what=f"{raw.content_type} instead of a stream")
        first, rest = await _first_events(raw, candidate)
        for event in _events(first):
            _refuse_error(event, candidate)
        return Begun(candidate, secret, raw, first, rest)


async def _first_events(raw: Raw, candidate: Candidate) -> tuple[bytes, bytes]:
    """The whole events of the first chunks that hold any, and the beginning of the next one."""
    buffer = b""
    async for chunk in _unix(raw.chunks):
        buffer += chunk
        head, end, rest = buffer.rpartition(END)
        if end and b"data:" in head:
            return head + end, rest
        if len(buffer) > upstream.MAX_LINE:
            raise UpstreamFailed(endpoint=candidate.endpoint, what="a line without end")
    raise UpstreamFailed(endpoint=candidate.endpoint, what="the stream was cut")


async def forwarded(begun: Begun, meter: Meter, permit: Permit, *, counts_wanted: bool) -> AsyncGenerator[bytes, None]:
    """The stream's bytes; however it ends, the call is settled.

    Raises what the upstream did wrong after it had begun: `UpstreamFailed` also for an end without `[DONE]` and for a
    stream that is too large, `UpstreamTimeout` for one that takes longer than its endpoint may.
    """
    reading = _Reading(begun.candidate, counts_wanted)
    error: ApiError | None = None
    try:
        if out := reading.take(begun.first):
            yield out
        with upstream.failures_named(begun.candidate, begun.secret):
            async for piece in _whole_events(begun, until=permit.at + _patience(begun.candidate)):
                if out := reading.take(piece):
                    yield out
                if reading.done:
                    break
            reading.check_finished()
    except ApiError as exc:
        error = exc
        log.warning("chat.stream_failed", endpoint=begun.candidate.endpoint, code=exc.code)
        raise
    finally:
        if reading.done:
            await _drained(begun.raw)
        begun.raw.close()
        text = "" if reading.usage.output_tokens is not None else reading.text()
        cut = error is None and not reading.finished
        await meter.close(permit, reading.usage, text=text, error=error, cut=cut)


def _patience(candidate: Candidate) -> float:
    """Seconds for a whole stream; a timeout of 0 is none to the client library."""
    return candidate.timeout_seconds or float("inf")


async def _whole_events(begun: Begun, *, until: float) -> AsyncIterator[bytes]:
    buffer, total = begun.rest, len(begun.first) + len(begun.rest)
    async for chunk in _unix(begun.raw.chunks):
        total += len(chunk)
        if total > upstream.MAX_STREAM:
            raise UpstreamFailed(endpoint=begun.candidate.endpoint, what="a stream without end")
        if clock() > until:
            raise UpstreamTimeout(endpoint=begun.candidate.endpoint)
        if not buffer and chunk.endswith(END):  # nearly always
            yield chunk
            continue
        head, end, buffer = (buffer + chunk).rpartition(END)
        if end:
            yield head + end
        if len(buffer) > upstream.MAX_LINE:
            raise UpstreamFailed(endpoint=begun.candidate.endpoint, what="a line without end")
    if buffer.strip():
        yield buffer.rstrip() + END  # the last event, where the server did not end it


async def _unix(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """`chunks` with line ends of one byte; a pair that was torn apart is put together."""
    held = b""
    async for chunk in chunks:
        whole = held + chunk
        held = b""
        if b"\r" in whole:
            if whole.endswith(b"\r"):
                whole, held = whole[:-1], b"\r"
            whole = whole.replace(b"\r\n", b"\n")
        if whole:
            yield whole


async def _drained(raw: Raw) -> None:
    """Read the end of an answer that is over, so that its connection serves again; not from a server that goes on."""
    with suppress(Exception):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _chunk in raw.chunks:
                pass


class _Reading:
    """What is to be known of a stream while it passes."""

    def __init__(self, candidate: Candidate, counts_wanted: bool) -> None:
        self.candidate = candidate
        self.usage = Usage(None, None)
        self.done = False  # [DONE] was seen
        self.finished = False  # the answer is complete
        self._counts_wanted = counts_wanted
        self._passed: list[bytes] = []
        self._size = 0
        self._said: list[str] = []  # by what was thrown away of it

    def take(self, piece: bytes) -> bytes:
        """What of `piece` is for the caller."""
        self._size += len(piece)
        self._passed.append(piece)
        if self._size > LARGEST_REMEMBERED:
            self._condense()
        if b'"finish_reason":"' in piece or b'"finish_reason": "' in piece:
            self.finished = True
        if not any(mark in piece for mark in MARKS):
            return piece
        return b"".join(event + END for event in _events(piece) if self._is_for_caller(event))

    def _is_for_caller(self, event: bytes) -> bool:
        data = _data(event)
        if data == b"[DONE]":
            self.done = self.finished = True
            return True
        if b'"choices":[]' not in data and b'"choices": []' not in data:
            _refuse_error(event, self.candidate)
            return True
        found = _object(data)
        if not found.get("usage"):
            return True  # such as the filter results that begin Azure's streams
        self.usage = usage_of(found["usage"])
        return self._counts_wanted

    def check_finished(self) -> None:
        """Raises `UpstreamFailed` when the stream ended before the answer did."""
        if not self.finished:
            raise UpstreamFailed(endpoint=self.candidate.endpoint, what="the stream was cut")

    def text(self) -> str:
        """What was said, read only when the upstream did not count."""
        self._condense()
        return "".join(self._said)

    def _condense(self) -> None:
        """Keep the words alone of what was kept as it came: an event is some dozen times as long as what it says."""
        self._said += [_said_in(event) for event in _events(b"".join(self._passed))]
        self._passed, self._size = [], 0


def _said_in(event: bytes) -> str:
    choices = _object(_data(event)).get("choices")
    deltas = [choice.get("delta") for choice in choices or () if isinstance(choice, dict)]
    pieces = [(d.get("content"), d.get("tool_calls")) for d in deltas if isinstance(d, dict)]
    return "".join(str(text or "") + str(calls or "") for text, calls in pieces)


def _events(piece: bytes) -> list[bytes]:
    return [event for event in piece.split(END) if event.strip()]


def _data(event: bytes) -> bytes:
    return b"\n".join(line[5:].strip() for line in event.split(b"\n") if line.startswith(b"data:"))


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _refuse_error(event: bytes, candidate: Candidate) -> None:
    """Raises `UpstreamFailed` for an event that tells of an error."""
    if b'"error"' in event and (error := _object(_data(event)).get("error")):
        raise UpstreamFailed(endpoint=candidate.endpoint, what=_words(error))


def _words(error: Any) -> str:
    if isinstance(error, dict):
        return str(error.get("message", ""))[:300]
    return str(error)[:300] if error else "malformed answer"
