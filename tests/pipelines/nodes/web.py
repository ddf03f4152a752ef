"""A web service on this machine that speaks https and does what a test says."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp.connector
from aiohttp import web
from aiohttp.test_utils import TestServer
from asgiref.sync import async_to_sync
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import override_settings

from apps.core.http import session
from apps.pipelines.nodes.base import NodeResult
from tests.pipelines.nodes.context import arun

Script = Callable[[web.Request], Awaitable[web.StreamResponse]]


@lru_cache(maxsize=1)
def certificate() -> ssl.SSLContext:
    """A server's certificate for this machine, which the client of this process trusts from now on."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "both.pem"
        file.write_bytes(private + public)
        context.load_cert_chain(file)
    aiohttp.connector._SSL_CONTEXT_VERIFIED.load_verify_locations(cadata=public.decode())
    return context


class Web:
    """Answers as `script` says; remembers the requests."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[tuple[str, str, dict[str, str], str]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.raw_path, dict(request.headers), await request.text()))
        return await self.script(request)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Its host and port, while it runs."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        server = TestServer(app, shutdown_timeout=0)
        await server.start_server(ssl=certificate())
        try:
            yield f"127.0.0.1:{server.port}"
        finally:
            await session().close()
            await server.close()


def says(body: Any = b"", **given: Any) -> Script:
    """An answer in one piece: text, bytes, or JSON for anything else."""

    async def script(_request: web.Request) -> web.StreamResponse:
        if isinstance(body, bytes):
            return web.Response(body=body, **given)
        return web.Response(text=body, **given) if isinstance(body, str) else web.json_response(body, **given)

    return script


def run(server: Web, config: dict[str, Any], inputs: dict[str, Any] | None = None, **fields: Any) -> NodeResult:
    """The step's result, asked of `server`, whose host is allowed. Raises what it raises."""

    async def work() -> NodeResult:
        async with server.running() as host:
            with override_settings(PIPELINE_HOSTS=[host], OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]):
                return await arun("http_request", {"host": host, **config}, inputs or {}, **fields)

    return async_to_sync(work)()


def ask(config: dict[str, Any], inputs: dict[str, Any], **fields: Any) -> NodeResult:
    """The step's result, where no server of the test is asked. Raises what it raises."""

    async def work() -> NodeResult:
        try:
            return await arun("http_request", config, inputs, **fields)
        finally:
            await session().close()

    return async_to_sync(work)()


async def stays_silent(_request: web.Request) -> web.StreamResponse:
    """Never answers."""
    await asyncio.Event().wait()
    raise AssertionError


async def hangs_up(request: web.Request) -> web.StreamResponse:
    """Breaks the connection."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
