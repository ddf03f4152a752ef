"""Calls of approved tools out of steps. Files go in and come out as ids; the tool sees local copies."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from asgiref.sync import sync_to_async

from apps.core.errors import ApiError
from apps.mcp import catalogue
from apps.mcp.client import call_tool
from apps.mcp.errors import ToolTimeout, ToolUnknown
from apps.pipelines.nodes.base import Files, NodeContext, Schema, known_names
from apps.pipelines.nodes.values import plain

# What a tool hands back inside its answer and no schema names: the ids of the kept files, and the first of them.
_FILES: Final = {"files": {"type": "array", "items": {"type": "string"}}, "file": {"type": "string"}}

_REFUSED: Final = "$refused"  # stands in a recorded answer instead of a result


class Refused(Exception):
    """The tool refused or failed, as it was recorded; `words` are for whoever called it."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


async def call(
    context: NodeContext,
    address: str,
    arguments: Mapping[str, Any],
    *,
    seconds: float | None = None,
    told: tuple[type[ApiError], ...] = (),
) -> dict[str, Any]:
    """What the tool `server/tool` of this release answers to `arguments`, in which files are ids.

    Errors that are `told` are answers like others, recorded and raised as `Refused`: a step that is resumed meets them
    again without calling the tool. Raises `ToolUnknown` for a tool that the release has not, `ToolTimeout` after
    `seconds`, and the errors of `call_tool`.
    """
    approved = released(context.parts, address)
    given = plain(arguments)

    async def do(_key: str) -> dict[str, Any]:
        try:
            async with asyncio.timeout(seconds):
                return await _called(context, address, given, approved)
        except TimeoutError as exc:
            raise ToolTimeout(tool=address, details={"outcome": "unknown"}) from exc
        except told as exc:
            return {_REFUSED: exc.text()}

    repeatable = await sync_to_async(is_repeatable)(address)
    answer: dict[str, Any] = plain(
        await context.outside.call("tool", address, {"arguments": given}, do, repeatable=repeatable)
    )
    if told and _REFUSED in answer:
        raise Refused(str(answer[_REFUSED]))
    return answer


def released(parts: Mapping[str, Any], address: str) -> dict[str, Any]:
    """The tool as the release has it. Raises `ToolUnknown`."""
    found: dict[str, Any] | None = parts.get("tools", {}).get(address)
    if found is None:
        raise ToolUnknown(tool=address)
    return found


def is_repeatable(address: str) -> bool:
    """Whether calling the tool again after a lost answer does no harm, as operator and server say."""
    server, _slash, name = address.partition("/")
    try:
        return catalogue.options(catalogue.server(server), name).repeatable
    except ApiError:
        return False


def accepted(parts: Mapping[str, Any], address: str) -> Schema | None:
    """The schema of what the tool takes; None for a tool that `parts` has not."""
    tool = parts.get("tools", {}).get(address)
    return tool["input_schema"] if tool else None


def produced(parts: Mapping[str, Any], address: str) -> Schema | None:
    """The schema of what a step with the tool gives; None when that is not known."""
    tool = parts.get("tools", {}).get(address)
    schema: Schema | None = tool["output_schema"] if tool else None
    if schema is None or not known_names(schema):
        return None
    return {**schema, "properties": {**_FILES, **schema["properties"]}}


def is_file(schema: Any) -> bool:
    """Whether an argument of this schema is a file."""
    return isinstance(schema, Mapping) and schema.get("format") == "uri" and "contentMediaType" in schema


def file_fields(approved: Mapping[str, Any]) -> frozenset[str]:
    """The fields of the tool's answer that hold ids of files."""
    fields = (approved.get("output_schema") or {}).get("properties", {})
    named = {n for n, f in fields.items() if isinstance(f, Mapping) and "uri" in f.get("properties", {})}
    return frozenset(_FILES) | named


async def _called(
    context: NodeContext, address: str, given: Mapping[str, Any], approved: dict[str, Any]
) -> dict[str, Any]:
    server, _slash, name = address.partition("/")
    result = await call_tool(
        server,
        name,
        await _with_copies(approved["input_schema"], given, context.files),
        approved=approved,
        on_progress=context.on_progress,
        keep=context.files.keep,
    )
    return _with_first(await _adopt_files(result, context.files, name=name))


async def _with_copies(schema: Mapping[str, Any], given: Mapping[str, Any], files: Files) -> dict[str, Any]:
    properties = schema.get("properties", {})
    arguments: dict[str, Any] = {}
    for name, value in given.items():
        copied = is_file(properties.get(name))
        arguments[name] = (await files.fetch(str(value))).as_uri() if copied else value
    return arguments


def _with_first(result: dict[str, Any]) -> dict[str, Any]:
    """The result with its first kept file as `file`, too: templates name fields, and most tools make one picture."""
    kept = [file for file in result.get("files") or () if isinstance(file, str)]
    return {"file": kept[0], **result} if kept else result


async def _adopt_files(result: Mapping[str, Any], files: Files, *, name: str) -> dict[str, Any]:
    """The result with every file it names taken over and replaced by its id."""
    return {field: await _adopted(value, files, name=name) for field, value in result.items()}


async def _adopted(value: Any, files: Files, *, name: str) -> Any:
    if not isinstance(value, dict) or not str(value.get("uri", "")).startswith("file://"):
        return value
    path = Path(unquote(urlsplit(value["uri"]).path))
    mime = str(value.get("mime") or "application/octet-stream")
    return await files.adopt(path, mime=mime, width=value.get("width"), height=value.get("height"), name=name)
