"""What can go wrong between Paiban and a tool server. Codes 2xxx: an operator or a caller mends it here."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError


class ServerUnreachable(ApiError):
    code, reason, status, retryable = "MCP_5001", "E_TOOL_SERVER_DOWN", 502, True
    message = _("The tool server “%(server)s” is not reachable. Try again in a moment.")


class ToolTimeout(ApiError):
    code, reason, status, retryable = "MCP_5002", "E_TOOL_TIMEOUT", 504, True
    message = _("The tool “%(tool)s” took too long. Try again, or use a smaller input.")


class CredentialRefused(ApiError):
    """The server answered 401 or 403: the token is wrong, has expired, or there is none."""

    code, reason, status = "MCP_5003", "E_TOOL_CREDENTIAL", 502
    message = _("The tool server “%(server)s” refuses its token. It may have expired: enter a new one in the admin.")


class TokenUnreadable(ApiError):
    """The stored token belongs to a key that is not at hand; nothing was sent."""

    code, reason, status = "MCP_5004", "E_TOOL_TOKEN_UNREADABLE", 502
    message = _("The token of the tool server “%(server)s” cannot be read. Enter it again in the admin.")


class AnswerInvalid(ApiError):
    """The server sent something that is no MCP answer: HTML, broken JSON, a redirect, a tool that breaks its schema."""

    code, reason, status = "MCP_5005", "E_TOOL_ANSWER", 502
    message = _("The tool server “%(server)s” sent an answer that cannot be used: %(what)s")


class AnswerTooLarge(ApiError):
    code, reason, status = "MCP_5006", "E_TOOL_ANSWER_SIZE", 502
    message = _("The answer of the tool server “%(server)s” is larger than %(limit)s MB.")


class ProtocolUnknown(ApiError):
    code, reason, status = "MCP_5007", "E_TOOL_PROTOCOL", 502
    message = _("The tool server “%(server)s” speaks no version of the protocol that is known here.")


class ServerFailed(ApiError):
    """The server answered a call with a JSON-RPC error of its own."""

    code, reason, status = "MCP_5008", "E_TOOL_SERVER_ERROR", 502
    message = _("The tool server “%(server)s” failed: %(what)s")


class ServerBusy(ApiError):
    code, reason, status, retryable = "MCP_5009", "E_TOOL_SERVER_BUSY", 503, True
    message = _("The tool server “%(server)s” is busy. Try again in a moment.")


class InputWanted(ApiError):
    """The tool asks a person or a model something in mid-call; runs have nobody to answer."""

    code, reason, status = "MCP_5010", "E_TOOL_ASKS", 502
    message = _("The tool “%(tool)s” asks for input while it runs, which is not possible here.")


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


class ServerKeyTaken(ApiError):
    code, reason, status = "MCP_2005", "E_TOOL_SERVER_KEY", 409
    message = _("There is a tool server “%(key)s” already. Choose another key.")


class TokenNeeded(ApiError):
    """A kept token goes to the address it was entered for, and nowhere else."""

    code, reason, status = "MCP_2006", "E_TOOL_TOKEN_NEEDED", 422
    message = _("Enter the token again, or remove it: the present one is only for the former address.")


class TokenRight(ApiError):
    code, reason, status = "MCP_2007", "E_TOOL_TOKEN_RIGHT", 403
    message = _("Your account may not enter or remove tokens. Ask an administrator for the right.")


class ToolMoved(ApiError):
    """Approved was what a person looked at; the server shows something else by now. Nothing was changed."""

    code, reason, status = "MCP_2008", "E_TOOL_MOVED", 409
    message = _("The tool “%(tool)s” changed again since you looked at it. Look at the differences once more.")


class ToolGone(ApiError):
    code, reason, status = "MCP_2009", "E_TOOL_GONE", 409
    message = _("The server does not show the tool “%(tool)s” any more. It cannot be allowed.")


class CatalogueEntryUnknown(ApiError):
    """A local server was removed from the settings after its row was made."""

    code, reason, status = "MCP_2010", "E_TOOL_CATALOGUE_ENTRY", 422
    message = _("“%(entry)s” is not in the catalogue of local tool servers. Choose another entry.")
