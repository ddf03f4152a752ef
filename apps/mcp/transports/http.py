"""Streamable HTTP and its predecessor with events, through the address checks of `apps.core.http`."""

import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

import httpcore2
import httpx2
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from apps.core.http import CONNECT_SECONDS
from apps.mcp.failures import MAX_ANSWER, Watch
from apps.mcp.target import Target
from apps.mcp.transports.guard import addresses

WRITE_SECONDS = 10.0
CONNECTIONS = 20
# Of an error's body, as much as a person reads.
EXCERPT = 600
MAX_ERROR = 1024 * 1024  # bytes of an answer that is an error
EVENTS = "text/event-stream"


@asynccontextmanager
async def connect(target: Target, watch: Watch) -> AsyncIterator[Any]:
    """Streamable HTTP."""
    async with (
        _client(watch) as client,
        streamable_http_client(target.url, http_client=client, max_sse_event_size=MAX_ANSWER) as pair,
    ):
        yield pair


@asynccontextmanager
async def connect_sse(target: Target, watch: Watch) -> AsyncIterator[Any]:
    """The older transport: events come over one long answer, messages go out by POST."""

    def client(headers: Any = None, timeout: Any = None, auth: Any = None) -> httpx2.AsyncClient:
        return _client(watch)

    async with sse_client(target.url, httpx_client_factory=client) as pair:
        yield pair


def _client(watch: Watch) -> httpx2.AsyncClient:
    """No redirects, no proxies of the environment, no cookies kept, no waiting for a connection."""
    return httpx2.AsyncClient(
        transport=GuardedTransport(watch),
        headers=watch.credential.headers() | {"Accept-Encoding": "identity", "User-Agent": "Paiban"},
        # Reading has no limit here: a call has its own, and an event stream may be silent for long.
        timeout=httpx2.Timeout(WRITE_SECONDS, connect=CONNECT_SECONDS, read=None),
        follow_redirects=False,
        trust_env=False,
    )


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to addresses that were checked; TLS still asks for the name."""

    def __init__(self) -> None:
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """To the first address that answers. Raises `AddressRefused` before anything is sent."""
        failure: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in await addresses(host, port):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as exc:
                failure = exc
        raise failure

    async def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore2.AsyncNetworkStream:
        raise httpcore2.UnsupportedProtocol("not over sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """The SDK's transport over `GuardedBackend`, with an end to every answer."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(verify=_tls(), trust_env=False)
        if not isinstance(self._pool, httpcore2.AsyncConnectionPool):  # called otherwise one day, it would go unguarded
            raise TypeError("the HTTP library keeps its connections elsewhere")
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=_tls(), max_connections=CONNECTIONS, keepalive_expiry=30.0, network_backend=GuardedBackend()
        )
        self._watch = watch

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer as it comes. What is no answer of a tool server is told to the watch, and refused."""
        response = await super().handle_async_request(request)
        if 300 <= response.status_code < 400:
            self._watch.invalid(f"HTTP {response.status_code} redirect")
        elif response.headers.get("content-encoding", "identity") != "identity":
            self._watch.invalid("compressed, which was not asked for")
        elif response.status_code >= 400:
            return await self._failed(request, response)
        elif not response.headers.get("content-type", "").lower().startswith(EVENTS):
            response.stream = Limited(response.stream, self._watch)
        if self._watch.error is not None:
            await response.aclose()
            raise self._watch.error
        return response

    async def _failed(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        """Read the excerpt that a person will see. The SDK makes sense of the status by itself."""
        body = b""
        async for chunk in Limited(response.stream, self._watch, MAX_ERROR):
            body += chunk
        await response.aclose()
        self._watch.refused(response.status_code, _excerpt(response, body))
        if self._watch.error is not None:
            raise self._watch.error
        return httpx2.Response(response.status_code, headers=response.headers, content=body, request=request)


class Limited(httpx2.AsyncByteStream):
    """Another stream that ends in an error when it grows too long."""

    def __init__(self, inner: Any, watch: Watch, limit: int = MAX_ANSWER) -> None:
        self._inner, self._watch, self._limit = inner, watch, limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = 0
        async for chunk in self._inner:
            total += len(chunk)
            if total > self._limit:
                self._watch.too_large()
                raise self._watch.error or httpx2.StreamClosed()
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def _excerpt(response: httpx2.Response, body: bytes) -> str:
    text = body[:EXCERPT].decode(errors="replace")
    return text if "html" not in response.headers.get("content-type", "") else "(HTML)"


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Made once: reading the certificates takes 20 ms."""
    return httpx2.create_ssl_context(trust_env=False)
