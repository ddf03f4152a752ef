"""The SDK's server with our tools: what a client lists and calls."""

import asyncio
import logging
from typing import Any, Final

import mcp_types as types
import structlog
from django.conf import settings
from django.utils.translation import gettext
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.requests import Request

from apps.core.error_handling import to_api_error
from apps.core.errors import ApiError
from apps.core.json_schema import validator
from apps.core.lane.identity import Principal
from apps.mcp.server import calls
from apps.mcp.server.errors import NoSuchTool
from apps.mcp.server.registry import Answered, ServedTool, Watch, source

log = structlog.get_logger("mcp")

# It tells of its beginning and end with every request, for it lives as long as one.
logging.getLogger("mcp.server.streamable_http_manager").setLevel(logging.WARNING)

Context = ServerRequestContext[Any, Request]

INSTRUCTIONS: Final = (
    "Each tool runs a feature of this Paiban for the person whose key is used, and costs what the feature costs. "
    "A field with the format `file` takes a picture as a data: URL in base64, or the id of an upload. Files in results "
    "are links that lapse after some minutes; the task named in `_meta` gives fresh ones."
)
# Every tool makes something new, with models and tools outside; twice is two results, and paid for twice.
ANNOTATIONS: Final = {
    "read_only_hint": False,
    "destructive_hint": False,
    "idempotent_hint": False,
    "open_world_hint": True,
}
FRESH_MS: Final = 5_000  # a client that polls more often is answered from its own memory


async def list_tools(context: Context, _params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
    """What the caller may use, by name, all on one page."""
    return types.ListToolsResult(tools=[_tool(tool) for tool in await source().tools(_principal(context))])


async def call_tool(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
    """Run it and wait. What the caller or the tool got wrong is a result that says so; models read it and mend it."""
    principal = _principal(context)
    tool = next((one for one in await source().tools(principal) if one.name == params.name), None)
    if tool is None:
        raise MCPError(types.INVALID_PARAMS, NoSuchTool(tool=params.name).text())
    try:
        answered = await source().call(tool.name, params.arguments or {}, principal, _watch(context, principal))
    except asyncio.CancelledError:
        raise
    except Exception as exc:
        return _refused(to_api_error(exc))
    return _result(tool, answered)


def _principal(context: Context) -> Principal:
    found: Principal = _request(context).state.principal
    return found


def _request(context: Context) -> Request:
    if context.request is None:
        raise RuntimeError("a message without its request")
    return context.request


def _watch(context: Context, principal: Principal) -> Watch:
    """On the newest protocol a client cancels by closing the answer; before, a lost connection is no cancelling."""
    session = calls.session_of(_request(context).headers.get(calls.HEADER))

    async def started(call_id: str) -> None:
        await calls.remember(principal, session, context.request_id, call_id)

    async def progress(fraction: float, message: str) -> None:
        await context.session.report_progress(fraction, 1.0, message or None)

    return Watch(started, progress, cancels=context.protocol_version in MODERN_PROTOCOL_VERSIONS)


def _tool(tool: ServedTool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description or None,
        input_schema=dict(tool.input_schema),
        output_schema=None if tool.output_schema is None else dict(tool.output_schema),
        annotations=types.ToolAnnotations(title=tool.title, **ANNOTATIONS),
    )


def _result(tool: ServedTool, answered: Answered) -> types.CallToolResult:
    """Text, links and the structured output; an output that is not as described is told as an error, and not lost."""
    content: list[types.ContentBlock] = [types.TextContent(text=answered.text)] if answered.text else []
    content += [
        types.ResourceLink(name=file.name, uri=file.url, mime_type=file.mime, size=file.size) for file in answered.files
    ]
    meta: Any = {"paiban": dict(answered.about)}
    fits = tool.output_schema is None or validator(tool.output_schema).is_valid(dict(answered.structured))
    if not fits:
        log.warning("mcp.output_unlike_schema", tool=tool.name)
        words = gettext("The result is not as the feature describes it.")
        return types.CallToolResult(content=[types.TextContent(text=words), *content], is_error=True, _meta=meta)
    structured = dict(answered.structured) if tool.output_schema is not None else None
    return types.CallToolResult(content=content, structured_content=structured, _meta=meta)


def _refused(error: ApiError) -> types.CallToolResult:
    problems = error.details.get("errors") or []
    lines = [f"{problem['pointer'] or '/'}: {problem['message']}" for problem in problems]
    told: Any = {"paiban": {**error.as_dict(), **error.details}}
    return types.CallToolResult(
        content=[types.TextContent(text="\n".join([error.text(), *lines]))], is_error=True, _meta=told
    )


server: Final = Server[Any](
    "paiban",
    version=str(settings.VERSION),
    title="Paiban",
    instructions=INSTRUCTIONS,
    cache_hints={"tools/list": CacheHint(ttl_ms=FRESH_MS, scope="private")},
    on_list_tools=list_tools,
    on_call_tool=call_tool,
)


def new_manager(largest: int) -> StreamableHTTPSessionManager:
    """What serves one request, of at most `largest` bytes."""
    return StreamableHTTPSessionManager(server, stateless=True, max_request_body_size=largest)
