"""What can go wrong between a client and Paiban as a tool server."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError


class OriginRefused(ApiError):
    """A page of another site made the browser send this."""

    code, reason, status = "MCP_2040", "E_MCP_ORIGIN", 403
    message = _("Pages of %(origin)s may not use this address. An operator can add it to CSRF_TRUSTED_ORIGINS.")


class HostRefused(ApiError):
    code, reason, status = "MCP_2041", "E_MCP_HOST", 421
    message = _("This site does not answer to the name “%(host)s”. An operator can add it to ALLOWED_HOSTS.")


class NoSuchTool(ApiError):
    code, reason, status = "MCP_2042", "E_MCP_TOOL", 404
    message = _("There is no tool “%(tool)s”, or it is not for your account.")


class ToolNotExposed(ApiError):
    """Said of tools that are not there, too: who may not run tools need not learn which there are."""

    code, reason, status = "MCP_2043", "E_TOOL_RUN", 403
    message = _("Your account may not run tools directly. Ask an administrator for the right.")
