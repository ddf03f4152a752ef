from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError


class ServerUnreachable(ApiError):
    code, reason, status, retryable = "MCP_5001", "E_TOOL_SERVER_DOWN", 502, True
    message = _("The tool server “%(server)s” is not reachable. Try again in a moment.")


class ToolTimeout(ApiError):
    code, reason, status, retryable = "MCP_5002", "E_TOOL_TIMEOUT", 504, True
    message = _("The tool “%(tool)s” took too long. Try again, or use a smaller input.")


class ToolFailed(ApiError):
    """The tool itself refused or failed; the same call would fail again."""

    code, reason, status = "MCP_2001", "E_TOOL_FAILED", 422
    message = _("%(what)s")


class ToolChanged(ApiError):
    code, reason, status = "MCP_2002", "E_TOOL_CHANGED", 409
    message = _("The tool “%(tool)s” is not what was approved. An operator has to look at it in the admin.")


class ToolUnknown(ApiError):
    code, reason, status = "MCP_2003", "E_TOOL_UNKNOWN", 404
    message = _("The tool “%(tool)s” is not known or not allowed. Discover and allow it in the admin.")


class ArgumentsInvalid(ApiError):
    code, reason, status = "MCP_2004", "E_TOOL_ARGUMENTS", 422
    message = _("The tool “%(tool)s” was given something it does not accept: %(what)s")
