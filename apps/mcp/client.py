"""Call an approved tool: arguments checked, the tool compared with what was approved, the session kept."""

from typing import Any

import structlog
from asgiref.sync import sync_to_async

from apps.core.errors import ApiError
from apps.core.form_input import field_errors
from apps.core.json_schema import validator
from apps.mcp import alerts, catalogue
from apps.mcp.errors import (
    ArgumentsInvalid,
    ServerBusy,
    ServerUnreachable,
    ToolChanged,
    ToolTimeout,
    ToolUnknown,
)
from apps.mcp.results import KeepFile, read_result
from apps.mcp.retries import pause
from apps.mcp.sessions import FindCredential, OnProgress, SessionEnded, pool
from apps.mcp.shown import DiscoveredTool, Listing
from apps.mcp.target import Credential, Target
from apps.mcp.tokens import stored_credential

log = structlog.get_logger("mcp")

# After these nobody knows whether the tool did its work.
_UNKNOWN = (ServerUnreachable, ServerBusy, ToolTimeout)


async def call_tool(
    server_key: str,
    tool: str,
    arguments: dict[str, Any],
    *,
    approved: dict[str, Any],
    on_progress: OnProgress,
    keep: KeepFile | None = None,
) -> dict[str, Any]:
    """The result of `server_key/tool`, as `results.read_result` tells it.

    `approved` is the tool as it was released: `input_schema` and `sha256`. The server is asked for its tools before
    every call. Raises `ArgumentsInvalid` before anything is sent, `ToolChanged` when the server shows another tool
    than the approved one, and the session's errors; `details.outcome` is "unknown" when the tool may have run. Only a
    tool that operator and server both call repeatable, or the settings do, is called again after such an error.
    Files inside the answer go to `keep`.
    """
    check_arguments(tool, approved["input_schema"], arguments)
    entry = await sync_to_async(catalogue.server)(server_key)
    target, options = Target.of_entry(server_key, entry), catalogue.options(entry, tool)
    find = stored_credential(target)
    tries = 1 + options.retries
    attempt = 0
    while True:
        attempt += 1
        session, listing = await pool().listed(target, find)
        await _check_shown(server_key, tool, approved, listing)
        try:
            result = await session.call(tool, arguments, seconds=options.timeout, on_progress=on_progress)
            return await read_result(result, server=server_key, tool=tool, keep=keep)
        except SessionEnded as exc:  # it did not happen; a server that forgets every session is not asked for ever
            pool().drop(session)
            tries = max(tries, 2)
            error: ApiError = ServerUnreachable(server=server_key)
            error.__cause__ = exc
        except ApiError as exc:
            pool().settle(session, exc)
            error = _marked(exc)
        if attempt >= tries or not isinstance(error, _UNKNOWN):
            raise error
        log.info("tool.retried", tool=f"{server_key}/{tool}", attempt=attempt, code=error.code)
        await pause(attempt)


async def list_tools(target: Target, find: FindCredential) -> Listing:
    """What the server shows now, over a new session, which is kept. Raises what kept it from being asked.

    A kept session would not tell of a new version of the server.
    """
    pool().forget(target.server)
    _session, listing = await pool().listed(target, find)
    return listing


def check_arguments(tool: str, schema: dict[str, Any], arguments: dict[str, Any]) -> None:
    """Raises `ArgumentsInvalid` with the first thing that does not fit `schema`, and all of them in the details."""
    for error in validator(schema).iter_errors(arguments):
        where = "/".join(map(str, error.instance_path)) or "arguments"
        details = {"errors": field_errors(schema, arguments)}
        raise ArgumentsInvalid(tool=tool, what=f"{where}: {error.message}"[:300], details=details)


async def _check_shown(server_key: str, tool: str, approved: dict[str, Any], listing: Listing) -> None:
    """Raises `ToolUnknown` or `ToolChanged`; the latter is also told to operators, once."""
    shown = listing.tools.get(tool)
    if shown is None:
        raise ToolUnknown(tool=f"{server_key}/{tool}")
    if not _is_approved(shown, approved, listing.server_version):
        await sync_to_async(alerts.note_changed)(server_key, shown, listing.server_version)
        raise ToolChanged(tool=f"{server_key}/{tool}")


def _is_approved(shown: DiscoveredTool, approved: dict[str, Any], server_version: str) -> bool:
    pinned = approved.get("server_version", "")
    return shown.sha256 == approved["sha256"] and pinned in ("", server_version)


def _marked(error: ApiError) -> ApiError:
    if isinstance(error, _UNKNOWN):
        error.details["outcome"] = "unknown"
    return error


def fixed(credential: Credential) -> FindCredential:
    """For a caller who has the credential at hand."""

    async def find() -> Credential:
        return credential

    return find
