"""Servers that are away, hang, die, refuse or send rubbish: each ends in the one error that says what to do."""

import asyncio
import json
import socket
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse

from apps.core import aio
from apps.core.config import reader
from apps.core.errors import ApiError
from apps.mcp import client, services, sessions
from apps.mcp.errors import (
    AnswerInvalid,
    AnswerTooLarge,
    CredentialRefused,
    InputWanted,
    ServerBusy,
    ServerFailed,
    ServerUnreachable,
    TokenUnreadable,
    ToolFailed,
    ToolTimeout,
    ToolUnknown,
)
from apps.mcp.models import Secret, Server, Tool
from apps.mcp.results import MAX_DEPTH
from tests.mcp.builders import allow, call, make_server
from tests.mcp.raw_server import Refuse, Script, a_tool, http_server, said, websocket_server

TOKEN = "tok-canary-9f2c1234"


def refusing(response: Any, *, on: str = "") -> Any:
    """Answer every request with `response`; with `on` only those of one method."""

    def before(request: Any) -> None:
        if not on:
            raise Refuse(response())

    return before


def discover(server: Server) -> ApiError:
    """The error that discovery ends in; no tool may have changed."""
    before = list(Tool.objects.values_list())
    with pytest.raises(ApiError) as failed:
        services.discover_tools(server, by=None)
    assert list(Tool.objects.values_list()) == before
    row = Server.objects.get(pk=server.pk)
    assert (row.last_error.startswith(failed.value.text().strip()), row.discovered_at) == (True, None)
    return failed.value


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


# --- opening ----------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["http", "sse", "ws"])
def test_discover__closed_port__is_unreachable_with_the_cause(local, db, transport):
    error = discover(make_server(closed_port(), transport))

    assert (type(error), error.retryable) == (ServerUnreachable, True)
    assert error.details["upstream"]


@pytest.mark.parametrize("transport", ["http", "sse", "ws"])
@pytest.mark.parametrize("status", [401, 403])
def test_discover__token_refused__is_an_explicit_error_never_an_empty_list(script, transport, status):
    script.before = refusing(lambda: Response(f"no {TOKEN}", status_code=status))
    if transport == "ws":  # refused in the handshake

        def handshake(connection: Any, request: Any) -> Any:
            return connection.respond(status, f"no {TOKEN}")

        with websocket_server(script, process_request=handshake) as port:
            error = discover(make_server(port, "ws", token=TOKEN))
    else:
        error = discover(make_server(script.port, transport, token=TOKEN))

    assert (type(error), error.code, error.retryable) == (CredentialRefused, "MCP_5003", False)
    assert error.details["upstream"] == f"HTTP {status} no ***"
    assert not Tool.objects.exists()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda: HTMLResponse("<h1>Welcome</h1>"), AnswerInvalid),
        (lambda: Response("hello", media_type="text/plain"), AnswerInvalid),
        (lambda: Response(b'{"jsonrpc": "2.0", "id": ', media_type="application/json"), AnswerInvalid),
        (
            lambda: Response(b'{"jsonrpc": "2.0", "id": 1, "result": "\xff\xfe"}', media_type="application/json"),
            AnswerInvalid,
        ),
        (lambda: Response(b"[" * 100_000 + b"]" * 100_000, media_type="application/json"), AnswerInvalid),
        (lambda: JSONResponse({"hello": "world"}), AnswerInvalid),
        (lambda: Response(status_code=202), AnswerInvalid),
        (lambda: Response("missing", status_code=404), AnswerInvalid),
        (lambda: Response("oops", status_code=500), ServerUnreachable),
        (lambda: Response("away", status_code=502), ServerUnreachable),
        (lambda: Response("later", status_code=503), ServerBusy),
        (lambda: Response("slow down", status_code=429), ServerBusy),
        (lambda: RedirectResponse("http://127.0.0.1:1/elsewhere", status_code=307), AnswerInvalid),
        (lambda: RedirectResponse("/mcp/", status_code=308), AnswerInvalid),
        (lambda: Response(b"\x1f\x8b", headers={"content-encoding": "gzip"}), AnswerInvalid),
    ],
)
def test_discover__no_answer_of_a_tool_server__says_what_came(script, answer, expected):
    script.before = refusing(answer)

    error = discover(make_server(script.port))

    assert type(error) is expected


def test_discover__answer_without_end__stops_at_the_limit(script):
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while True:
            sent += 1
            await asyncio.sleep(0.001)
            yield b" " * 1024 * 1024

    script.before = refusing(lambda: StreamingResponse(endless(), media_type="application/json"))

    error = discover(make_server(script.port))

    assert type(error) is AnswerTooLarge
    assert sent < 64


@pytest.mark.parametrize("transport", ["http", "ws"])
def test_discover__server_that_hangs__is_unreachable_in_time(script, monkeypatch, transport):
    monkeypatch.setattr(sessions, "OPEN_SECONDS", 0.5)

    async def never(message: Any) -> None:
        await asyncio.sleep(30)

    monkeypatch.setattr(Script, "answer", lambda self, message: never(message))
    if transport == "ws":
        with websocket_server(script) as port:
            error = discover(make_server(port, "ws"))
    else:
        error = discover(make_server(script.port))

    assert type(error) is ServerUnreachable


def test_discover__failed_once__is_tried_again_as_the_row_says(script):
    refusals = iter([Refuse(Response("later", status_code=503)), Refuse(Response("later", status_code=503))])

    def before(request: Any) -> None:
        if (refusal := next(refusals, None)) is not None:
            raise refusal

    script.before = before

    tools = services.discover_tools(make_server(script.port, max_retries=2), by=None)

    assert [tool.name for tool in tools] == ["echo"]


def test_discover__token_that_no_key_opens__sends_nothing_and_keeps_it(script, settings):
    server = make_server(script.port, token=TOKEN)
    blob = Secret.objects.get().blob
    settings.MASTER_KEYS = ["other:" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="]

    error = discover(server)

    assert (type(error), script.asked) == (TokenUnreadable, [])
    assert Secret.objects.get().blob == blob


# --- calling ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"content": [], "isError": True}, ToolFailed),
        ({"error": {"code": -32603, "message": f"boom {TOKEN}"}}, ServerFailed),
        ({"error": {"code": -32602, "message": "Unknown tool: echo"}}, ToolUnknown),
        ({"error": {"code": -32601, "message": "nope"}}, ToolUnknown),
        ({"error": {"code": 17, "message": "own code"}}, ServerFailed),
        ({"content": "none of the protocol"}, AnswerInvalid),
        ({"content": [], "structuredContent": {"said": 5}}, AnswerInvalid),
        ({"content": []}, AnswerInvalid),
    ],
)
def test_call__server_answers_otherwise__each_has_its_error(script, answer, expected):
    approved = allow(make_server(script.port, token=TOKEN))
    script.call = lambda message: answer

    (failed,) = call(approved, {"text": "x"})

    assert type(failed) is expected
    assert TOKEN not in failed.text() + json.dumps(failed.details)


def nested(depth: int) -> Any:
    value: Any = "x"
    for _level in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize("transport", ["http", "ws"])
@pytest.mark.parametrize(
    "raw",
    [
        b'{"content": [], "structuredContent": {"said": "x", "more": NaN}}',
        b'{"content": [], "structuredContent": {"said": "x", "more": Infinity}}',
        b'{"content": [], "structuredContent": {"said": "x", "more": "\\ud800"}}',
        b'{"content": [], "structuredContent": {"said": "\xff\xfe"}}',
        b'{"content": [], "structuredContent": ' + json.dumps(nested(MAX_DEPTH + 5)).encode() + b"}",
        b'{"content": [], "structuredContent": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001,
    ],
)
def test_call__hostile_answer__is_refused_clearly(script, transport, raw):
    def hostile(message: Any) -> Any:
        raise Refuse(
            Response(
                b'{"jsonrpc": "2.0", "id": %d, "result": %s}' % (message["id"], raw), media_type="application/json"
            )
        )

    if transport == "ws":
        with websocket_server(script) as port:
            approved = allow(make_server(port, "ws"))
            script.call = hostile
            (failed,) = call(approved, {"text": "x"})
    else:
        approved = allow(make_server(script.port))
        script.call = hostile
        (failed,) = call(approved, {"text": "x"})

    assert type(failed) is AnswerInvalid, failed


@pytest.mark.parametrize("transport", ["http", "ws"])
def test_call__answer_larger_than_the_limit__is_refused(script, transport):
    def huge(message: Any) -> Any:
        return said("x" * 9 * 1024 * 1024)

    if transport == "ws":
        with websocket_server(script) as port:
            approved = allow(make_server(port, "ws"))
            script.call = huge
            (failed,) = call(approved, {"text": "x"})
    else:
        approved = allow(make_server(script.port))
        script.call = huge
        (failed,) = call(approved, {"text": "x"})

    assert type(failed) is AnswerTooLarge


def test_call__token_expired_meanwhile__is_said_and_nothing_is_repeated(script):
    approved = allow(make_server(script.port, token=TOKEN, max_retries=3))
    assert call(approved, {"text": "x"}) == [{"said": "x"}]
    script.calls.clear()
    script.before = refusing(lambda: Response("expired", status_code=401))

    (failed,) = call(approved, {"text": "x"})

    assert (type(failed), script.calls) == (CredentialRefused, [])


def test_call__server_forgot_the_session__is_opened_again_and_called_once(script):
    script.before = _with_session(script)
    approved = allow(make_server(script.port))
    script.calls.clear()

    answers = call(approved, {"text": "a"}, {"text": "b"})

    assert answers == [{"said": "a"}, {"said": "b"}]
    assert len(script.calls) == 2


def _with_session(script: Script) -> Any:
    """The third request that names a session finds it gone, once."""
    seen = iter(range(100))

    def before(request: Any) -> None:
        if next(seen) == 6:
            raise Refuse(Response("gone", status_code=404))

    return before


def test_call__server_stops_between_two_calls__is_unreachable_then_works_again(local, db):
    script = Script()
    with http_server(script) as port:
        approved = allow(make_server(port))
        assert call(approved, {"text": "a"}) == [{"said": "a"}]

    (failed,) = call(approved, {"text": "b"})
    assert (type(failed), failed.retryable) == (ServerUnreachable, True)

    with http_server(script) as again:
        Server.objects.update(url=f"http://127.0.0.1:{again}/mcp")
        services.release_catalogue(by=None)
        reader.reset()
        assert call(approved, {"text": "c"}) == [{"said": "c"}]


@pytest.mark.parametrize("transport", ["http", "ws"])
def test_call__hangs__is_a_timeout_and_the_next_call_works(script, transport):
    async def slow(message: Any) -> Any:
        if message["params"]["arguments"]["text"] == "slow":
            await asyncio.sleep(30)
        return said("quick")

    opened = http_server(script) if transport == "http" else websocket_server(script)
    with opened as port:
        approved = allow(make_server(port, transport, timeout_seconds=1))
        script.call = slow

        late, after = call(approved, {"text": "slow"}, {"text": "x"})

    assert (type(late), late.details["outcome"]) == (ToolTimeout, "unknown")
    assert after == {"said": "quick"}


@pytest.mark.parametrize(
    ("says", "operator_says", "calls"), [(True, True, 3), (True, False, 1), (False, True, 1), (False, False, 1)]
)
def test_call__lost_in_mid_call__is_repeated_only_when_both_call_it_repeatable(script, says, operator_says, calls):
    script.tools = lambda: [a_tool(annotations={"idempotentHint": says})]
    approved = allow(make_server(script.port), repeatable=operator_says, max_retries=2)

    def lost(message: Any) -> Any:
        raise Refuse(Response("away", status_code=502))

    script.call = lost

    (failed,) = call(approved, {"text": "x"})

    assert (type(failed), failed.details["outcome"]) == (ServerUnreachable, "unknown")
    assert len(script.calls) == calls


def test_call__tool_asks_for_input__is_refused(script):
    script.tools = lambda: [a_tool(outputSchema=None)]
    approved = allow(make_server(script.port))
    script.call = lambda message: {"resultType": "input_required", "inputRequests": {}, "requestState": "x"}

    (failed,) = call(approved, {"text": "x"})

    assert type(failed) in (InputWanted, AnswerInvalid)


def test_call__fifty_at_once__each_has_its_own_answer(script):
    async def pause(message: Any) -> Any:
        await asyncio.sleep(0.02)
        return said(message["params"]["arguments"]["text"])

    script.call = pause
    approved = allow(make_server(script.port))

    async def nothing(fraction: float, message: str) -> None: ...

    async def work() -> list[Any]:
        calls = [
            client.call_tool("raw", "echo", {"text": str(n)}, approved=approved, on_progress=nothing) for n in range(50)
        ]
        answers = await asyncio.gather(*calls)
        await sessions.pool().close()
        return answers

    assert async_to_sync(work)() == [{"said": str(n)} for n in range(50)]


def test_session__nobody_calls__is_closed_after_a_while(script, monkeypatch):
    monkeypatch.setattr(sessions, "IDLE_SECONDS", 1.0)
    target = services.tools.target_of(make_server(script.port))

    async def work() -> bool:
        session, _listing = await sessions.pool().listed(target, client.fixed(sessions.Credential()))
        await asyncio.wait([session._owner], timeout=20)
        return session.is_closed

    assert aio.run(work(), timeout=40) is True
