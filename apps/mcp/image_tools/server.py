"""The MCP server around the tools."""

from __future__ import annotations

from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.types import CallToolResult, InputRequiredResult, ToolAnnotations
from pydantic import ValidationError

from apps.mcp.image_tools.jobs import Jobs
from apps.mcp.image_tools.tools import ImageTools
from apps.mcp.image_tools.workspace import Workspace

INSTRUCTIONS = (
    "Turns a photo into a shop picture. The usual order: cut_out, resize, pad, soft_shadow, "
    "white_background, convert. Every tool leaves its input alone and answers with a new file."
)
# Of what the tools do, not of the product: a new one asks operators to look at the tools again.
VERSION = "1"
ONLY_ADDS_FILES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)


class ImageToolServer(MCPServer[Any]):
    """The SDK's server, with failures worded for the person who reads them."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """As the SDK does, but an expected failure keeps its own sentence, with nothing before it."""
        try:
            return await super().call_tool(name, arguments, context)
        except UnexpectedToolError:
            raise
        except ToolError as error:
            if isinstance(error.__cause__, ToolError):
                raise error.__cause__ from None
            if isinstance(error.__cause__, ValidationError):
                raise ToolError(_wrong_arguments(error.__cause__)) from error.__cause__
            raise


def _wrong_arguments(error: ValidationError) -> str:
    """What is wrong with each argument, such as "width: Input should be less than or equal to 8000"."""
    return "; ".join(f"{'.'.join(str(part) for part in entry['loc'][:1])}: {entry['msg']}" for entry in error.errors())


def make_server(folder: Workspace, jobs: Jobs) -> ImageToolServer:
    server = ImageToolServer(
        "paiban-image-tools", title="Image tools", version=VERSION, instructions=INSTRUCTIONS, log_level="WARNING"
    )
    tools = ImageTools(folder, jobs)
    for tool, title in (
        (tools.cut_out, "Cut out the product"),
        (tools.resize, "Trim and resize"),
        (tools.pad, "Place on a canvas"),
        (tools.soft_shadow, "Add a soft shadow"),
        (tools.white_background, "Put on one colour"),
        (tools.convert, "Write the final file"),
    ):
        server.add_tool(tool, title=title, annotations=ONLY_ADDS_FILES)
    return server
