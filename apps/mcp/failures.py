"""From the many ways in which a connection fails to the one error that says what to do about it."""

import asyncio
import re
from collections.abc import Callable

import httpx2
from mcp import MCPError
from mcp.types import (
    CONNECTION_CLOSED,
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    REQUEST_TIMEOUT,
    UNSUPPORTED_PROTOCOL_VERSION,
)
from pydantic import ValidationError

from apps.core.errors import ApiError
from apps.mcp.errors import (
    AnswerInvalid,
    AnswerTooLarge,
    ArgumentsInvalid,
    CredentialRefused,
    ProtocolUnknown,
    ServerBusy,
    ServerFailed,
    ServerUnreachable,
    ToolChanged,
    ToolTimeout,
    ToolUnknown,
)
from apps.mcp.target import Credential

MAX_ANSWER = 8 * 1024 * 1024  # bytes of one answer; files come by reference
REFUSED = (401, 403, 407)
BUSY = (429, 503)
# Of the parser's report, what a person can use; the rest is its own affairs.
_NOT_JSON = re.compile(r".*(Invalid JSON: [^\[]{1,120}).*")
SESSION_ENDED = "Session terminated"  # the SDK's words for 404 on a session the server has forgotten


class Watch:
    """What a transport saw go wrong, which the SDK hides behind a general error or a wait without end."""

    def __init__(self, server: str, credential: Credential) -> None:
        self.server, self.credential = server, credential
        self.error: ApiError | None = None
        self.broken = asyncio.Event()
        self.status: int | None = None
        self.words = ""  # the server's own, of its last refusal

    def report(self, error: ApiError) -> None:
        """The connection is of no use any more; the first reason counts."""
        self.error = self.error or error
        self.broken.set()

    def refused(self, status: int, words: str) -> None:
        """An HTTP answer that is an error."""
        self.status, self.words = status, self.credential.redacted(f"HTTP {status} {words}")
        if status in REFUSED:
            self.report(CredentialRefused(server=self.server, details={"upstream": self.words}))

    def invalid(self, what: str) -> None:
        self.report(AnswerInvalid(server=self.server, what=self.credential.redacted(what)))

    def too_large(self) -> None:
        self.report(AnswerTooLarge(server=self.server, limit=MAX_ANSWER // 2**20))


def leaf(exc: BaseException) -> BaseException:
    """The failure itself, out of the groups that it is wrapped in; one of ours first."""
    while isinstance(exc, BaseExceptionGroup):
        ours = exc.subgroup(ApiError)
        exc = (ours or exc).exceptions[0]
    return exc


def words_of(exc: BaseException) -> str:
    """A failure for the log, short."""
    found = leaf(exc)
    return f"{type(found).__name__}: {found}"[:200]


def to_error(exc: BaseException, watch: Watch, tool: str = "") -> ApiError:
    """The error of `exc`, with what the transport saw; anything unknown is a server that cannot be reached."""
    found = leaf(exc)
    if isinstance(found, ApiError):
        return found
    if watch.error is not None:
        return watch.error
    if isinstance(found, MCPError):
        return _of_protocol(found, watch, tool)
    if isinstance(found, ValidationError | RuntimeError | httpx2.SSEError):
        return AnswerInvalid(server=watch.server, what=watch.credential.redacted(str(found)))
    return unreachable(watch, found)


def unreachable(watch: Watch, cause: BaseException | None = None) -> ApiError:
    """No connection: the server's own words beside ours, where it had any."""
    said = watch.words or (watch.credential.redacted(f"{type(cause).__name__}: {cause}") if cause else "")
    kind = ServerBusy if watch.status in BUSY else ServerUnreachable
    return kind(server=watch.server, details={"upstream": said} if said else {})


def ended_by_server(exc: BaseException) -> bool:
    """Whether the server has forgotten the session, so that what was asked did not happen."""
    found = leaf(exc)
    return isinstance(found, MCPError) and found.error.code == INVALID_REQUEST and SESSION_ENDED in found.error.message


def _of_protocol(exc: MCPError, watch: Watch, tool: str) -> ApiError:
    """One JSON-RPC code, one error. Only "connection closed" means that nobody is there."""
    code, said = exc.error.code, watch.credential.redacted(exc.error.message or "")
    if known := _BY_CODE.get(code):
        return known(watch, tool, said)
    if watch.status is not None and watch.status >= 500:
        return unreachable(watch)
    if watch.status in BUSY:
        return unreachable(watch)
    return ServerFailed(server=watch.server, what=watch.words or said or str(code), details={"upstreamCode": code})


def _unknown(watch: Watch, tool: str, said: str) -> ApiError:
    if not tool:
        return AnswerInvalid(server=watch.server, what=watch.words or said)
    return ToolUnknown(tool=f"{watch.server}/{tool}")


def _params(watch: Watch, tool: str, said: str) -> ApiError:
    if not tool:
        return ServerFailed(server=watch.server, what=said)
    return _unknown(watch, tool, said) if "unknown tool" in said.lower() else ArgumentsInvalid(tool=tool, what=said)


def _invalid(watch: Watch, tool: str, said: str) -> ApiError:
    said = _NOT_JSON.sub(r"\1", said)
    if watch.status is not None and (watch.status >= 500 or watch.status in BUSY):
        return unreachable(watch)
    return AnswerInvalid(server=watch.server, what=watch.words or said)


_BY_CODE: dict[int, Callable[[Watch, str, str], ApiError]] = {
    CONNECTION_CLOSED: lambda watch, tool, said: unreachable(watch),
    REQUEST_TIMEOUT: lambda watch, tool, said: ToolTimeout(tool=tool or watch.server),
    HEADER_MISMATCH: lambda watch, tool, said: ToolChanged(tool=f"{watch.server}/{tool}"),
    INVALID_PARAMS: _params,
    METHOD_NOT_FOUND: _unknown,
    PARSE_ERROR: _invalid,
    INVALID_REQUEST: _invalid,
    UNSUPPORTED_PROTOCOL_VERSION: lambda watch, tool, said: ProtocolUnknown(server=watch.server),
}
