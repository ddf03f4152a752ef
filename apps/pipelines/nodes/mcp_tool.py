"""Tool: calls an approved MCP tool. Files go in and come out as ids; the tool sees local copies.

Pictures, sound and other files that come inside the answer are kept: `files` names all of them, `file` the first.

Costs: nothing here; what the tool's own service charges is not known.
When it fails: a tool that changed since it was approved, arguments that do not fit, a server that is gone: the step
fails; only a repeatable tool is called again by itself.
After a kill: a recorded answer is used; a call that was under way is made again when the tool is repeatable, else its
outcome is unknown.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import Field

from apps.pipelines.nodes import tool_calls
from apps.pipelines.nodes.base import BaseNode, Needs, NodeConfig, NodeContext, NodeResult, Schema


class McpToolConfig(NodeConfig):
    server: str = Field(title=gettext_noop("Tool server"))
    tool: str = Field(title=gettext_noop("Tool"), json_schema_extra={"x-widget": "tool"})

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
        return NodeResult(await tool_calls.call(context, context.config.address, context.inputs))

    def accepts(self, config: McpToolConfig, parts: Mapping[str, Any]) -> Schema:
        return tool_calls.accepted(parts, config.address) or super().accepts(config, parts)

    def produces(self, config: McpToolConfig, parts: Mapping[str, Any]) -> Schema | None:
        return tool_calls.produced(parts, config.address)

    def needs(self, config: Mapping[str, Any]) -> Needs:
        server, tool = config.get("server"), config.get("tool")
        whole = isinstance(server, str) and isinstance(tool, str)
        return Needs(tools=frozenset({f"{server}/{tool}"}) if whole else frozenset())


NODE = McpToolNode()
