"""One request to an upstream model server, its failures told apart; what every handler stands on."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

import aiohttp

from apps.core.errors import ApiError
from apps.core.http import session
from apps.providers.errors import (
    ModelVanished,
    UpstreamBusy,
    UpstreamError,
    UpstreamFailed,
    UpstreamKeyRefused,
    UpstreamRefused,
    UpstreamTimeout,
)
from apps.providers.types import Candidate

CONNECT_SECONDS = 2.0
MAX_LINE = 1024 * 1024  # bytes; a longer line is no event
MAX_ANSWER = 32 * 1024 * 1024  # bytes of an answer in one piece, decompressed
MAX_ERROR = 4096  # bytes of an error that are read
MAX_RETRY_AFTER = 600  # seconds; nobody is left alone for longer because of one header


async def send(
    url: str, body: bytes, headers: Mapping[str, str], candidate: Candidate, secret: str | None, *, stream: bool
) -> aiohttp.ClientResponse:
    """A successful response whose body is still to be read; whoever takes it releases or closes it.

    Raises the errors of `providers.errors`, and `AddressRefused` for an address inside our own network.
    """
    patience = candidate.first_byte_seconds if stream else 0
    with failures_named(candidate, secret):
        async with asyncio.timeout(patience or None):
            response = await session().post(
                url,
                data=body,
                headers={"Content-Type": "application/json", **headers},
                timeout=_timeout(candidate),
                allow_redirects=False,
            )
        if response.status != 200:
            try:
                await _refuse(response, candidate)
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
) -> AsyncIterator[aiohttp.ClientResponse]:
    """`send` for as long as the block lasts; failures of reading inside it are told apart too."""
    response = await send(url, json.dumps(body).encode(), headers, candidate, secret, stream=stream)
    try:
        with failures_named(candidate, secret):
            yield response
    finally:
        if response.content.at_eof():
            response.release()
        else:
            response.close()  # what is left unread would otherwise be waited for


async def read_json(response: aiohttp.ClientResponse, candidate: Candidate) -> Any:
    """The decoded body. Raises `UpstreamFailed` for what is no JSON object or too large."""
    raw = bytearray()
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > MAX_ANSWER:
            raise UpstreamFailed(endpoint=candidate.endpoint, what="an answer without end")
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as exc:
        raise UpstreamFailed(endpoint=candidate.endpoint, what="malformed answer") from exc
    if not isinstance(found, dict):
        raise UpstreamFailed(endpoint=candidate.endpoint, what="malformed answer")
    return found


async def events(response: aiohttp.ClientResponse, candidate: Candidate) -> AsyncIterator[tuple[str, bytes]]:
    """The server-sent events as (name, data); data of several lines are joined (WHATWG HTML, 9.2)."""
    name, data, buffer = "", b"", b""
    async for chunk in response.content.iter_any():
        buffer += chunk
        *lines, buffer = buffer.split(b"\n")
        if len(buffer) > MAX_LINE:
            raise UpstreamFailed(endpoint=candidate.endpoint, what="a line without end")
        for raw in lines:
            line = raw.rstrip(b"\r")
            if not line and data:
                yield name, data
                name, data = "", b""
            elif line.startswith(b"data:"):
                data = data + b"\n" + line[5:].lstrip() if data else line[5:].lstrip()
            elif line.startswith(b"event:"):
                name = line[6:].strip().decode("ascii", "replace")
    tail = buffer.rstrip(b"\r")
    if tail.startswith(b"data:"):
        data = data + b"\n" + tail[5:].lstrip() if data else tail[5:].lstrip()
    if data:
        yield name, data  # the last one, where the server did not end it


@contextmanager
def failures_named(candidate: Candidate, secret: str | None) -> Iterator[None]:
    """What the client library raises, as our own errors; a key that the upstream repeats is taken out."""
    try:
        yield
    except UpstreamError as exc:
        if secret and secret in str(exc.params.get("what", "")):
            what = str(exc.params["what"]).replace(secret, "…")
            raise type(exc)(details=exc.details, endpoint=candidate.endpoint, what=what) from None
        raise
    except (ApiError, asyncio.CancelledError):
        raise
    except TimeoutError as exc:
        raise UpstreamTimeout(endpoint=candidate.endpoint) from exc
    except (aiohttp.ClientError, ConnectionError) as exc:
        raise UpstreamFailed(endpoint=candidate.endpoint, what=type(exc).__name__) from exc
    except ValueError as exc:
        # An address that is none, a header that cannot be sent, bytes that do not decompress.
        raise UpstreamFailed(endpoint=candidate.endpoint, what=type(exc).__name__) from exc


def _timeout(candidate: Candidate) -> aiohttp.ClientTimeout:
    """`timeout_seconds` for the whole answer, and as the longest silence within it."""
    return aiohttp.ClientTimeout(
        total=candidate.timeout_seconds, sock_connect=CONNECT_SECONDS, sock_read=candidate.timeout_seconds
    )


async def _refuse(response: aiohttp.ClientResponse, candidate: Candidate) -> None:
    """Raises what the status means."""
    what = words_of((await response.content.read(MAX_ERROR)), response.status)
    endpoint = candidate.endpoint
    if response.status in {401, 403}:
        raise UpstreamKeyRefused(endpoint=endpoint, what=what)
    if response.status == 404:
        raise ModelVanished(endpoint=endpoint, what=what)
    if response.status == 429:
        raise UpstreamBusy(endpoint=endpoint, what=what, details=_retry_after(response.headers.get("Retry-After", "")))
    if response.status == 408:
        raise UpstreamTimeout(endpoint=endpoint)
    if response.status < 400 or response.status >= 500:
        raise UpstreamFailed(endpoint=endpoint, what=what)
    raise UpstreamRefused(endpoint=endpoint, what=what)


def words_of(raw: bytes, status: int) -> str:
    """The upstream's own words: OpenAI's, Anthropic's and Google's errors all have them in one place."""
    try:
        error = json.loads(raw)["error"]
        return str(error["message"] if isinstance(error, dict) else error)[:300]
    except (ValueError, LookupError, TypeError):
        return f"HTTP {status}"


def _retry_after(header: str) -> dict[str, int]:
    """Seconds or a date (RFC 9110, 10.2.3); nothing for what is neither."""
    try:
        seconds = int(header) if header.isdigit() else int(parsedate_to_datetime(header).timestamp() - time())
    except (ValueError, TypeError, OverflowError):
        return {}
    return {"retryAfter": max(1, min(seconds, MAX_RETRY_AFTER))}


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
    timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=min(CONNECT_SECONDS, seconds))
    with failures_named(probe, secret):
        async with session().get(url, headers=headers, timeout=timeout, allow_redirects=False) as response:
            if response.status != 200:
                await _refuse(response, probe)
            found: dict[str, Any] = await read_json(response, probe)
            return found
