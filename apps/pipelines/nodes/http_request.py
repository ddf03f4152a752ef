"""HTTP request: calls an address of one of the hosts that the installation names in `PAIBAN_PIPELINE_HOSTS`.

Only https, no redirects, no secrets: headers that sign in are refused. `path`, `query` and `headers` are Liquid
templates over the inputs; a value in the path is one segment of it, whatever signs it holds. The input `body` is sent.
Text and JSON come back as they are, any other content is kept as a file. An answer of 400 to 499, apart from 408, 425
and 429, is a result like any other: later steps look at `status`.

Costs: nothing here; what the service charges is not known.
When it fails: no answer, 408, 425, 429 and 500 or more: the step fails and may be tried again, unless the request
could have an effect twice; a redirect, more than `max_bytes` after unpacking, or JSON that is none: it fails for
good.
After a kill: a recorded answer is used; GET, PUT and DELETE, and others with an `idempotency_header`, are sent again;
of any other request that was under way the outcome is unknown.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import Field

from apps.core.errors import ApiError
from apps.pipelines.nodes import http_calls
from apps.pipelines.nodes.base import BaseNode, Needs, NodeConfig, NodeContext, NodeResult, Schema, closed, named
from apps.pipelines.nodes.errors import AddressUnfit, HeaderRefused, HostRefused
from apps.pipelines.nodes.http_calls import HttpRequest
from apps.pipelines.nodes.values import check_weight, plain
from apps.pipelines.wiring import references

# A host and maybe its port; no name or password, no path.
_HOST: Final = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[1-9][0-9]{0,4})?$"
_HEADER: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
# What signs in, or what the client itself decides.
_REFUSED: Final = frozenset(
    {
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "cookie2",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class HttpRequestConfig(NodeConfig):
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field(default="GET", title=gettext_noop("Method"))
    host: str = Field(
        pattern=_HOST,
        max_length=200,
        title=gettext_noop("Host"),
        description=gettext_noop("One of the hosts that PAIBAN_PIPELINE_HOSTS names."),
        json_schema_extra={"x-widget": "host"},
    )
    path: str = Field(
        default="/",
        max_length=2_000,
        title=gettext_noop("Path"),
        description=gettext_noop("Begins with /; inputs stand in it as {{ name }}."),
        json_schema_extra={"x-widget": "liquid"},
    )
    query: dict[str, str] = Field(default_factory=dict, max_length=50, title=gettext_noop("Query"))
    headers: dict[str, str] = Field(default_factory=dict, max_length=20, title=gettext_noop("Headers"))
    body: Literal["none", "json", "text"] = Field(
        default="none", title=gettext_noop("Body"), description=gettext_noop("How the input “body” is sent.")
    )
    max_bytes: int = Field(
        default=1_048_576,
        ge=1,
        le=16_777_216,
        title=gettext_noop("Largest answer"),
        description=gettext_noop("In bytes, after unpacking."),
    )
    idempotency_header: str = Field(
        default="",
        title=gettext_noop("Header of the call's key"),
        description=gettext_noop("For services that do the same work once only, such as Idempotency-Key."),
    )

    @property
    def is_repeatable(self) -> bool:
        """Whether sending it twice does no more than sending it once."""
        return self.method in ("GET", "PUT", "DELETE") or bool(self.idempotency_header)

    @property
    def templates(self) -> dict[str, str]:
        """Every setting that reads inputs, by its place."""
        headers = {f"headers.{name}": text for name, text in self.headers.items()}
        return {"path": self.path, **{f"query.{name}": text for name, text in self.query.items()}, **headers}


class HttpRequestNode(BaseNode):
    type = "http_request"
    label = _("HTTP request")
    help = _("Calls an allowed web service.")
    category = "tools"
    icon = "globe"
    Config = HttpRequestConfig
    says = (AddressUnfit, HeaderRefused)
    effect = "effect"
    default_timeout = 30.0

    async def run(self, context: NodeContext) -> NodeResult:
        config: HttpRequestConfig = context.config
        check_host(config.host)
        inputs = plain(context.inputs)
        check_weight(inputs)
        request = HttpRequest.made(config, inputs)

        async def do(key: str) -> dict[str, Any]:
            return await http_calls.send(request, key=key, files=context.files)

        told = await context.outside.call("http", config.host, request.as_told(), do, repeatable=config.is_repeatable)
        return NodeResult(dict(told))

    def accepts(self, config: HttpRequestConfig, parts: Mapping[str, Any]) -> Schema:
        names = {path[0] for template in config.templates.values() for path in _read(template)}
        body = {"text": {"type": "string"}, "json": {}}
        fields = {"body": body[config.body]} if config.body != "none" else {}
        return {"type": "object", "properties": fields, "required": sorted(names | fields.keys())}

    def produces(self, config: HttpRequestConfig, parts: Mapping[str, Any]) -> Schema | None:
        text = {"type": "string"}
        headers = {"type": "object", "additionalProperties": text}
        return closed({"status": {"type": "integer"}, "headers": headers, "json": {}, "text": text, "file": text})

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return Needs(hosts=named(config, "host"))

    def mistakes(self, config: HttpRequestConfig) -> Iterator[tuple[str, ApiError]]:
        if not config.path.startswith("/"):
            yield "path", AddressUnfit(path=config.path[:200])
        for name in (*config.headers, *filter(None, [config.idempotency_header])):
            if is_refused(name):
                setting = f"headers.{name}" if name in config.headers else "idempotency_header"
                yield setting, HeaderRefused(header=name[:64])
        for setting, template in config.templates.items():
            try:
                references(template)
            except ApiError as exc:
                yield setting, exc


def check_host(host: str) -> None:
    """Raises `HostRefused` for a host that the installation does not name."""
    if host not in {allowed.lower() for allowed in settings.PIPELINE_HOSTS}:
        raise HostRefused(host=host)


def is_refused(header: str) -> bool:
    """Whether steps may not send a header of this name."""
    name = header.lower()
    return not _HEADER.fullmatch(header) or name in _REFUSED or name.startswith(("proxy-", "sec-"))


def _read(template: str) -> set[tuple[str, ...]]:
    try:
        return references(template)
    except ApiError:
        return set()  # said as a mistake


NODE = HttpRequestNode()
