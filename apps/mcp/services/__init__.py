"""What can be done with tool servers and their tools. Every write takes `by`."""

from apps.mcp.services.servers import (
    EDITABLE,
    claim_server,
    create_server,
    delete_server,
    release_catalogue,
    remove_token,
    server,
    set_token,
    update_server,
)
from apps.mcp.services.tools import (
    allow_tools,
    approve_tool,
    discover_tools,
    forget_tools,
    set_tool_options,
    tool,
    tool_changes,
)
from apps.mcp.services.trials import Probe, Trial, probe_server, try_tool

__all__ = [
    "EDITABLE",
    "Probe",
    "Trial",
    "allow_tools",
    "approve_tool",
    "claim_server",
    "create_server",
    "delete_server",
    "discover_tools",
    "forget_tools",
    "probe_server",
    "release_catalogue",
    "remove_token",
    "server",
    "set_token",
    "set_tool_options",
    "tool",
    "tool_changes",
    "try_tool",
    "update_server",
]
