"""What a server shows: its tools, each with the hash that a person approves, and what was left out and why."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from apps.core.json_schema import invalid_because
from apps.core.publishing.canonical import canonical_json
from apps.mcp.models import tool_hash

MAX_TOOLS = 500
MAX_SCHEMA = 64 * 1024  # characters of one schema; a form of that size nobody fills in
MAX_DESCRIPTION = 16 * 1024
MAX_NAME = 128
# As the protocol recommends; a name is part of an address, and is shown to people.
_NAME = re.compile(rf"[A-Za-z0-9_.][A-Za-z0-9_./-]{{0,{MAX_NAME - 1}}}")


@dataclass(frozen=True)
class DiscoveredTool:
    """A tool as the server shows it now."""

    name: str
    description: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    sha256: str
    title: str = ""
    annotations: dict[str, Any] = field(default_factory=dict)

    def as_shown(self, server_version: str) -> dict[str, Any]:
        """By the protocol's names, to be compared with `Tool.as_approved`."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": self.input_schema,
            "outputSchema": self.output_schema,
            "annotations": self.annotations,
            "serverVersion": server_version,
        }


@dataclass(frozen=True)
class Listing:
    """One answer to "which tools are there", and who gave it."""

    tools: dict[str, DiscoveredTool]
    left_out: tuple[str, ...] = ()
    server_name: str = ""
    server_version: str = ""
    protocol: str = ""
    ms: int = 0


def read_tools(server_key: str, shown: Iterable[Any]) -> tuple[dict[str, DiscoveredTool], list[str]]:
    """The usable tools by name, and a sentence for each that is not. Of two with one name neither is."""
    tools: dict[str, DiscoveredTool] = {}
    left_out: list[str] = []
    twice: set[str] = set()
    for tool in shown:
        if problem := _problem(tool):
            left_out.append(f"{str(tool.name)[:MAX_NAME]}: {problem}")
        elif tool.name in tools or tool.name in twice:
            twice.add(tool.name)
        else:
            tools[tool.name] = _discovered(server_key, tool)
    words = _("shown twice, so nobody can tell which is meant")
    left_out += [f"{name}: {words}" for name in sorted(twice)]
    return {name: tool for name, tool in tools.items() if name not in twice}, left_out


def _problem(tool: Any) -> str:
    if not _NAME.fullmatch(tool.name):
        return _("this is no name for a tool")
    if len(tool.description or "") > MAX_DESCRIPTION or len(tool.title or "") > MAX_DESCRIPTION:
        return _("the description is too long")
    for schema in (tool.input_schema, tool.output_schema or {}):
        if problem := _schema_problem(schema):
            return problem
    return ""


def _schema_problem(schema: Any) -> str:
    try:
        if len(canonical_json(schema)) > MAX_SCHEMA:
            return _("the schema is too large")
    except (ValueError, RecursionError):
        return _("the schema is no JSON")
    reason = invalid_because(schema)
    return _("the schema is not valid: %(reason)s") % {"reason": reason} if reason else ""


def _discovered(server_key: str, tool: Any) -> DiscoveredTool:
    shown = {
        "name": tool.name,
        "title": tool.title or "",
        "description": tool.description or "",
        "input_schema": tool.input_schema,
        "output_schema": tool.output_schema or {},
    }
    # The hash keeps the form it had in the first release: what is approved must not need approving again.
    said = tool.annotations.model_dump(mode="json") if tool.annotations else {}
    wire = tool.annotations.model_dump(mode="json", by_alias=True, exclude_none=True) if tool.annotations else {}
    sha256 = tool_hash(server_key, shown | {"annotations": said})
    return DiscoveredTool(**shown, sha256=sha256, annotations=wire)
