"""Tool: calls an approved MCP tool. Files go in and come out as ids; the tool sees local copies.

Pictures, sound and other files that come inside the answer are kept: `files` names all of them, `file` the first.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.utils.translation import gettext_lazy as _

from apps.mcp.client import call_tool
from apps.pipelines.nodes.base import BaseNode, Files, Needs, NodeConfig, NodeContext, NodeResult, Schema, known_names

# What a tool hands back inside its answer and no schema names: the ids of the kept files, and the first of them.
_FILES = {"files": {"type": "array", "items": {"type": "string"}}, "file": {"type": "string"}}


class McpToolConfig(NodeConfig):
    server: str
    tool: str

    @property
    def address(self) -> str:
        return f"{self.server}/{self.tool}"


class McpToolNode(BaseNode):
    type = "mcp_tool"
    label = _("Tool")
    help = _("Calls an approved tool.")
    category = "tools"
    icon = "tool"
    Config = McpToolConfig
    effect = "effect"
    default_timeout = 120.0
    retries = 0  # what may be called again is known where it is called: `apps.mcp.client`

    async def run(self, context: NodeContext) -> NodeResult:
        config: McpToolConfig = context.config
        approved = context.parts["tools"][config.address]
        arguments = await _arguments(approved["input_schema"], context.inputs, context.files)
        result = await call_tool(
            config.server,
            config.tool,
            arguments,
            approved=approved,
            on_progress=context.on_progress,
            keep=context.files.keep,
            again=context.again,
        )
        return NodeResult(_with_first(await _adopt_files(result, context.files, name=config.tool)))

    def accepts(self, config: McpToolConfig, parts: Mapping[str, Any]) -> Schema:
        tool = parts.get("tools", {}).get(config.address)
        schema: Schema = tool["input_schema"] if tool else super().accepts(config, parts)
        return schema

    def produces(self, config: McpToolConfig, parts: Mapping[str, Any]) -> Schema | None:
        tool = parts.get("tools", {}).get(config.address)
        schema: Schema | None = tool["output_schema"] if tool else None
        if schema is None or not known_names(schema):
            return None
        return {**schema, "properties": {**_FILES, **schema["properties"]}}

    def needs(self, config: Mapping[str, Any]) -> Needs:
        server, tool = config.get("server"), config.get("tool")
        whole = isinstance(server, str) and isinstance(tool, str)
        return Needs(tools=frozenset({f"{server}/{tool}"}) if whole else frozenset())


def _is_file(schema: Mapping[str, Any]) -> bool:
    return schema.get("format") == "uri" and "contentMediaType" in schema


async def _arguments(schema: Mapping[str, Any], inputs: Mapping[str, Any], files: Files) -> dict[str, Any]:
    properties = schema.get("properties", {})
    arguments: dict[str, Any] = {}
    for name, value in inputs.items():
        is_file = _is_file(properties.get(name, {}))
        arguments[name] = (await files.fetch(str(value))).as_uri() if is_file else value
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
    return await files.adopt(path, mime=value["mime"], width=value.get("width"), height=value.get("height"), name=name)


NODE = McpToolNode()
