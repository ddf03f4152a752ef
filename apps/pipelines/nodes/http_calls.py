"""One request of a step to a web service, through the guarded client, and its answer as JSON."""

import codecs
import json
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

import aiohttp
import msgspec
from django.utils.translation import gettext as _
from yarl import URL

from apps.core.errors import ApiError
from apps.core.http import session
from apps.pipelines.nodes.base import Files
from apps.pipelines.nodes.errors import AddressUnfit, HeaderRefused, HttpAnswerUnfit, HttpFailed, HttpUnknown
from apps.pipelines.nodes.values import DEEPEST, weight, worked
from apps.pipelines.wiring import resolve

READ_SECONDS = 25.0  # of silence; less than the step's time limit, so that it is this that is told
LONG_BYTES: Final = 200_000  # what is more is read in a thread
MAX_HEADERS: Final = 50
MAX_HEADER: Final = 2_000  # characters
_REFUSED: Final = frozenset({425, 429})  # the service says that it did not do it
_HIDDEN: Final = frozenset({"set-cookie", "set-cookie2", "www-authenticate", "proxy-authenticate"})
_CONTROL: Final = frozenset(map(chr, [*range(32), 127]))


@dataclass(frozen=True)
class HttpRequest:
    """What is sent: everything filled in."""

    method: str
    host: str
    path: str  # with the query, encoded
    headers: Mapping[str, str]
    body: str | None
    content_type: str
    max_bytes: int
    key_header: str = ""
    repeatable: bool = False

    @classmethod
    def made(cls, config: Any, inputs: Mapping[str, Any]) -> "HttpRequest":
        """The request that the settings of `http_request` make of `inputs`. Raises `ApiError`."""
        body, content_type = _body(config.body, inputs.get("body"))
        return cls(
            method=config.method,
            host=config.host,
            path=_path(config.path, inputs) + _query(config.query, inputs),
            headers={name: _header(name, text, inputs) for name, text in config.headers.items()},
            body=body,
            content_type=content_type,
            max_bytes=config.max_bytes,
            key_header=config.idempotency_header,
            repeatable=config.is_repeatable,
        )

    def as_told(self) -> dict[str, Any]:
        """What is recorded of it."""
        return {"method": self.method, "path": self.path, "headers": dict(self.headers), "body": self.body}


async def send(request: HttpRequest, *, key: str, files: Files) -> dict[str, Any]:
    """The answer. Raises `HttpFailed`, `HttpAnswerUnfit`, `AddressRefused`."""
    async with _failures_named(request), _sent(request, key) as response:
        _check_status(request, response)
        content = await _content(request, response)
        told = {"status": response.status, "headers": _headers_of(response), "json": None, "text": "", "file": ""}
        return told | await _told(request, response, content, files)


# --- what is sent ---------------------------------------------------------------------------------


def _path(template: str, inputs: Mapping[str, Any]) -> str:
    """The path; whatever signs a value holds, it does not leave its place in it."""
    path = str(resolve(template, _encoded(inputs)))
    steps = path.split("/")
    dotted = any(step.lower().replace("%2e", ".") in (".", "..") for step in steps)
    if not path.startswith("/") or path.startswith("//") or dotted or set(path) & {*_CONTROL, *" \\?#"}:
        raise AddressUnfit(path=path[:200])
    return quote(path, safe="/%:@!$&'()*+,;=~-._")


def _encoded(value: Any) -> Any:
    if isinstance(value, str):
        return quote(value, safe="")
    if isinstance(value, dict):
        return {name: _encoded(inner) for name, inner in value.items()}
    return [_encoded(inner) for inner in value] if isinstance(value, list) else value


def _query(templates: Mapping[str, str], inputs: Mapping[str, Any]) -> str:
    values = {name: resolve(template, inputs) for name, template in templates.items()}
    given = {name: _word(value) for name, value in values.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""


def _header(name: str, template: str, inputs: Mapping[str, Any]) -> str:
    text = _word(resolve(template, inputs))
    if set(text) & _CONTROL or len(text) > MAX_HEADER:
        raise HeaderRefused(header=name)
    return text


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _body(kind: str, value: Any) -> tuple[str | None, str]:
    if kind == "json":
        return json.dumps(value, ensure_ascii=False), "application/json"
    return (_word(value), "text/plain; charset=utf-8") if kind == "text" else (None, "")


@asynccontextmanager
async def _sent(request: HttpRequest, key: str) -> AsyncIterator[aiohttp.ClientResponse]:
    headers = {"Accept": "application/json, text/*;q=0.9, */*;q=0.5", "Accept-Encoding": "gzip", **request.headers}
    if request.content_type:
        headers["Content-Type"] = request.content_type
    if request.key_header:
        headers[request.key_header] = key
    async with session().request(
        request.method,
        URL(f"https://{request.host}{request.path}", encoded=True),
        headers=headers,
        data=request.body.encode("utf-8", "replace") if request.body is not None else None,
        allow_redirects=False,
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=5.0, sock_read=READ_SECONDS),
    ) as response:
        yield response


# --- what comes back ------------------------------------------------------------------------------


@asynccontextmanager
async def _failures_named(request: HttpRequest) -> AsyncIterator[None]:
    """Turns what the client raises into errors of steps."""
    try:
        yield
    except aiohttp.ClientConnectorError as exc:  # nothing was sent
        raise HttpFailed(host=request.host, what=_("no connection")) from exc
    except TimeoutError as exc:
        raise _lost(request, _("it took too long")) from exc
    except (aiohttp.ClientError, ConnectionError, ValueError) as exc:
        raise _lost(request, type(exc).__name__) from exc


def _lost(request: HttpRequest, what: str) -> ApiError:
    """The request was on its way; unless it may be repeated, nobody knows what became of it."""
    if request.repeatable:
        return HttpFailed(host=request.host, what=what)
    return HttpUnknown(host=request.host, what=what, details={"outcome": "unknown"})


def _check_status(request: HttpRequest, response: aiohttp.ClientResponse) -> None:
    if 300 <= response.status < 400:
        raise HttpAnswerUnfit(host=request.host, what=_("a redirect (%(status)s)") % {"status": response.status})
    if response.status in _REFUSED:
        raise HttpFailed(host=request.host, what=f"HTTP {response.status}")
    if response.status >= 500 or response.status == 408:
        raise _lost(request, f"HTTP {response.status}")


def _headers_of(response: aiohttp.ClientResponse) -> dict[str, str]:
    found = {name.lower(): value[:MAX_HEADER] for name, value in response.headers.items()}
    kept = [(name, value) for name, value in found.items() if name not in _HIDDEN]
    return dict(kept[:MAX_HEADERS])


async def _content(request: HttpRequest, response: aiohttp.ClientResponse) -> bytes:
    """The whole answer, unpacked; counted while it is unpacked, so that a small one cannot become a large one."""
    unpack = _unpacker(request, response.headers.get("Content-Encoding", ""))
    content = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        content += unpack(chunk, request.max_bytes + 1 - len(content))
        if len(content) > request.max_bytes:
            raise HttpAnswerUnfit(host=request.host, what=_("more than %(most)s bytes") % {"most": request.max_bytes})
    return bytes(content)


def _unpacker(request: HttpRequest, encoding: str) -> Any:
    kind = encoding.strip().lower()
    if kind in ("", "identity"):
        return lambda chunk, _most: chunk
    if kind not in ("gzip", "x-gzip", "deflate"):
        raise HttpAnswerUnfit(host=request.host, what=_("packed as %(kind)s") % {"kind": kind[:40]})
    inflate = zlib.decompressobj(wbits=47 if kind != "deflate" else zlib.MAX_WBITS)

    def unpack(chunk: bytes, most: int) -> bytes:
        try:
            return inflate.decompress(chunk, most)
        except zlib.error as exc:
            raise HttpAnswerUnfit(host=request.host, what=_("damaged packing")) from exc

    return unpack


async def _told(request: HttpRequest, response: aiohttp.ClientResponse, content: bytes, files: Files) -> dict[str, Any]:
    kind = response.content_type.lower()
    if not content:
        return {}
    if kind == "application/json" or kind.endswith("+json"):
        return {"json": await worked(lambda: _decoded(request, content), apart=len(content) > LONG_BYTES)}
    if kind.startswith("text/") or kind.endswith(("/xml", "+xml")):
        return {"text": content.decode(_charset(response), "replace").replace("\x00", "")}
    return {"file": await files.keep(content, mime=kind, name=request.host.partition(":")[0])}


def _decoded(request: HttpRequest, content: bytes) -> Any:
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as exc:
        raise HttpAnswerUnfit(host=request.host, what=_("JSON that is none")) from exc
    if weight(found, most=len(content) + 1) > len(content) + 1:  # no JSON has more values than bytes: it is its depth
        raise HttpAnswerUnfit(host=request.host, what=_("JSON nested deeper than %(most)s") % {"most": DEEPEST})
    return found


def _charset(response: aiohttp.ClientResponse) -> str:
    try:
        return codecs.lookup(response.charset or "utf-8").name
    except LookupError:
        return "utf-8"
