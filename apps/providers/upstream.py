"""One request to an upstream model server; what every handler stands on."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import msgspec

from apps.core import http_wire
from apps.core.http_wire import Answer
from apps.providers.errors import UpstreamError, UpstreamFailed
from apps.providers.failures import failures_named, refusal
from apps.providers.types import Candidate

__all__ = [
    "MAX_ANSWER",
    "MAX_LINE",
    "asked",
    "decoded",
    "encoded",
    "events",
    "failures_named",
    "get_json",
    "held",
    "read_json",
    "send",
    "url_of",
]

MAX_LINE = 1024 * 1024  # bytes; a longer line is no event
MAX_ANSWER = 32 * 1024 * 1024  # bytes of an answer in one piece, decompressed
MAX_STREAM = 128 * 1024 * 1024  # bytes of a stream; a long answer is some tens of them
MAX_ERROR = 16 * 1024  # bytes of an error that are read
ERROR_SECONDS = 2.0  # in which its words have to be there
DRAIN_SECONDS = 0.05
_SUCCESS = frozenset({200, 201})


async def send(
    url: str, body: bytes, headers: Mapping[str, str], candidate: Candidate, secret: str | None, *, stream: bool
) -> Answer:
    """A successful response whose body is still to be read; whoever takes it releases or closes it.

    Raises the errors of `providers.errors`, and `AddressRefused` for an address inside our own network.
    """
    patience = candidate.first_byte_seconds if stream else 0
    with failures_named(candidate, secret):
        given = {"Content-Type": "application/json", **headers}
        asking = http_wire.post(url, given, body, seconds=candidate.timeout_seconds)
        if patience:
            async with asyncio.timeout(patience):
                response = await asking
        else:
            response = await asking
        if response.status not in _SUCCESS:
            try:
                raise await _refused(response, candidate)
            finally:
                response.close()
    return response


@asynccontextmanager
async def asked(
    url: str,
    body: Mapping[str, Any],
    headers: Mapping[str, str],
    candidate: Candidate,
    secret: str | None,
    *,
    stream: bool = False,
) -> AsyncIterator[Answer]:
    """`send` for as long as the block lasts; failures of reading inside it are told apart too."""
    response = await send(url, encoded(body), headers, candidate, secret, stream=stream)
    async with held(response, candidate, secret):
        yield response


@asynccontextmanager
async def held(response: Answer, candidate: Candidate, secret: str | None) -> AsyncIterator[None]:
    """A response that is read in the block, and given back or closed after it; failures are told apart."""
    try:
        with failures_named(candidate, secret):
            yield
        await _drained(response)
    finally:
        response.close()


async def _drained(response: Answer) -> None:
    """Read the end of an answer that is over, so that its connection serves again; not from a server that goes on."""
    if not response.is_whole:
        with suppress(Exception):
            async with asyncio.timeout(DRAIN_SECONDS):
                await anext(response)


def encoded(body: Mapping[str, Any]) -> bytes:
    """`body` as JSON; halves of a surrogate pair, which UTF-8 cannot hold, are escaped."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return json.dumps(body).encode()


def decoded(raw: bytes | bytearray, candidate: Candidate) -> dict[str, Any]:
    """The JSON object in `raw`. Raises `UpstreamFailed` for anything else."""
    try:
        found = msgspec.json.decode(raw)
    except (ValueError, RecursionError) as exc:  # msgspec's errors are among them
        raise UpstreamFailed(endpoint=candidate.endpoint, what="malformed answer") from exc
    if not isinstance(found, dict):
        raise UpstreamFailed(endpoint=candidate.endpoint, what="malformed answer")
    return found


async def read_json(response: Answer, candidate: Candidate) -> dict[str, Any]:
    """The decoded body. Raises `UpstreamFailed` for what is no JSON object or too large."""
    raw = bytearray()
    async for chunk in response:
        raw += chunk
        if len(raw) > MAX_ANSWER:
            raise UpstreamFailed(endpoint=candidate.endpoint, what="an answer without end")
    if response.content_type == "text/html":
        raise UpstreamFailed(endpoint=candidate.endpoint, what="a web page instead of an answer")
    return decoded(raw, candidate)


async def events(response: Answer, candidate: Candidate) -> AsyncIterator[tuple[str, bytes]]:
    """The server-sent events as (name, data); data of several lines are joined (WHATWG HTML, 9.2).

    Lines end with LF or CR LF; a last event that the server did not end counts. Raises `UpstreamFailed` for a line, an
    event or a stream without end.
    """
    held: list[bytes] = []  # the beginning of a line
    waiting = total = 0
    event = _Event(candidate)
    async for chunk in response:
        total += len(chunk)
        *lines, rest = chunk.split(b"\n")
        if lines:
            lines[0] = b"".join(held) + lines[0]
            held, waiting = [], 0
        held.append(rest)
        waiting += len(rest)
        if waiting > MAX_LINE or total > MAX_STREAM:
            raise UpstreamFailed(endpoint=candidate.endpoint, what="a line without end")
        for line in lines:
            if (found := event.take(line)) is not None:
                yield found
    for line in (b"".join(held), b""):
        if (found := event.take(line)) is not None:
            yield found


class _Event:
    """The event that is being put together."""

    __slots__ = ("_candidate", "_data", "_name", "_size")

    def __init__(self, candidate: Candidate) -> None:
        self._candidate, self._name, self._size = candidate, "", 0
        self._data: list[bytes] = []

    def take(self, line: bytes) -> tuple[str, bytes] | None:
        """The whole event when `line` ends one."""
        if line.endswith(b"\r"):
            line = line[:-1]
        if line.startswith(b"data:"):
            self._data.append(line[5:].lstrip())
            self._size += len(line)
            if self._size > MAX_LINE:
                raise UpstreamFailed(endpoint=self._candidate.endpoint, what="an event without end")
        elif line.startswith(b"event:"):
            self._name = line[6:64].strip().decode("ascii", "replace")
        elif not line and self._data:
            found = self._name, b"\n".join(self._data)
            self._name, self._data, self._size = "", [], 0
            return found
        return None


async def _refused(response: Answer, candidate: Candidate) -> UpstreamError:
    """What an answer other than success means."""
    raw = bytearray()
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(ERROR_SECONDS):
            async for chunk in response:
                raw += chunk
                if len(raw) > MAX_ERROR:
                    break
    return refusal(response.status, bytes(raw), response.headers, candidate)


@lru_cache(maxsize=1024)
def url_of(base_url: str, path: str, *, default: str) -> str:
    """`path` below the base URL; below `default` where there is none, with its version where the base names none.

    What is no URL stays none: the client refuses it.
    """
    base = (base_url or default).rstrip("/")
    with suppress(ValueError):
        if urlsplit(base).path in ("", "/"):
            base += urlsplit(default).path
    return f"{base}/{path}"


async def get_json(url: str, headers: Mapping[str, str], secret: str | None, *, seconds: float) -> dict[str, Any]:
    """The JSON object at `url`, within `seconds` in all. Raises as `send` does; the endpoint is named by its host."""
    probe = Candidate(
        endpoint=url.split("/")[2] if url.count("/") > 1 else url,
        endpoint_id=0,
        handler_key="",
        base_url=url,
        model="",
        timeout_seconds=max(1, int(seconds)),
        max_retries=0,
    )
    with failures_named(probe, secret):
        response = await http_wire.get(url, headers, seconds=seconds)
        try:
            if response.status not in _SUCCESS:
                raise await _refused(response, probe)
            return await read_json(response, probe)
        finally:
            response.close()
