"""Call an approved tool: arguments checked, hash compared, session kept."""

from typing import Any

from asgiref.sync import sync_to_async

from apps.core.json_schema import validator
from apps.mcp import catalogue
from apps.mcp.errors import ArgumentsInvalid, ToolChanged, ToolUnknown
from apps.mcp.sessions import DiscoveredTool, OnProgress, pool


async def call_tool(
    server_key: str,
    tool: str,
    arguments: dict[str, Any],
    *,
    approved: dict[str, Any],
    on_progress: OnProgress,
) -> dict[str, Any]:
    """The structured result of `server_key/tool`.

    `approved` is the tool as it was released: `input_schema` and `sha256`. Raises `ArgumentsInvalid` before anything
    is sent, `ToolChanged` when the server shows another tool than the approved one, and the session's errors.
    """
    check_arguments(tool, approved["input_schema"], arguments)
    entry = await sync_to_async(catalogue.server)(server_key)
    session = await pool().session(server_key, entry["catalogue_id"])
    shown = session.tools.get(tool)
    if shown is None:
        raise ToolUnknown(tool=f"{server_key}/{tool}")
    if shown.sha256 != approved["sha256"]:
        raise ToolChanged(tool=f"{server_key}/{tool}")
    return await pool().call(session, tool, arguments, seconds=entry["timeout"], on_progress=on_progress)


async def list_tools(server_key: str, catalogue_id: str) -> list[DiscoveredTool]:
    """What the server shows now, over a fresh session. Raises `ServerUnreachable`."""
    session = await pool().session(server_key, catalogue_id)
    tools = list(session.tools.values())
    await pool().drop(session)
    return tools


def check_arguments(tool: str, schema: dict[str, Any], arguments: dict[str, Any]) -> None:
    """Raises `ArgumentsInvalid` with the first thing that does not fit `schema`."""
    for error in validator(schema).iter_errors(arguments):
        where = "/".join(map(str, error.instance_path)) or "arguments"
        raise ArgumentsInvalid(tool=tool, what=f"{where}: {error.message}"[:300])
