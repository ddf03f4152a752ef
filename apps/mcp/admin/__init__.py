"""Tool servers and their tools in the CMS."""

from apps.mcp.admin.server import ServerAdmin
from apps.mcp.admin.tool import ToolAdmin

__all__ = ["ServerAdmin", "ToolAdmin"]
