"""`POST /api/v1/ai/tools/run`: closed unless opened, arguments checked, events in order."""

import json
from dataclasses import replace
from typing import Any

import pytest

from apps.core.lane import identity
from apps.core.lane.identity import KeyGrant, Principal
from apps.mcp import client
from apps.mcp.errors import ToolTimeout
from apps.mcp.server import tools_run

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/api/v1/ai/tools/run"
APPROVED = {"input_schema": {"type": "object", "required": ["text"]}, "sha256": "0"}


class Tools:
    """Stands where the tool servers are."""

    def __init__(self) -> None:
        self.called: list[tuple[str, str, dict[str, Any]]] = []
        self.failure: Exception | None = None

    async def call_tool(self, server: str, tool: str, arguments: Any, *, approved: Any, on_progress: Any) -> Any:
        client.check_arguments(tool, approved["input_schema"], arguments)
        self.called.append((server, tool, arguments))
        await on_progress(0.5, "half")
        if self.failure:
            raise self.failure
        return {"said": arguments["text"]}


@pytest.fixture
def tools(monkeypatch):
    found = Tools()
    released = {"servers": {"local": {"tools": {"echo": APPROVED}}}}
    monkeypatch.setattr(client, "call_tool", found.call_tool)
    monkeypatch.setattr(tools_run.reader, "get", lambda _scope, _key: (1, released))
    return found


def ask(**more: Any) -> dict[str, Any]:
    return {"tool": "local/echo", "arguments": {"text": "hi"}, **more}


def test_run__operator__is_answered(api, operator, tools):
    answer = api(operator).post(PATH, json=ask())

    assert (answer.status_code, answer.json()["tool"], answer.json()["result"]) == (200, "local/echo", {"said": "hi"})
    assert tools.called == [("local", "echo", {"text": "hi"})]


@pytest.mark.parametrize("who", ["member", "viewer"])
def test_run__no_right__is_refused_whatever_is_asked(api, request, tools, who):
    caller = api(request.getfixturevalue(who))

    known, unknown = caller.post(PATH, json=ask()), caller.post(PATH, json=ask(tool="no/such"))

    assert (known.status_code, known.json()["code"]) == (403, "MCP_2043")
    assert unknown.json()["code"] == "MCP_2043"
    assert tools.called == []


@pytest.mark.parametrize("admin", [False, True])
def test_run__key_of_an_operator__needs_the_scope(api, operator, tools, monkeypatch, admin):
    real = identity.identify

    async def keyed(authorization: str, address: str) -> Principal | None:
        principal = await real(authorization, address)
        return principal and replace(principal, key=KeyGrant(1, admin=admin))

    monkeypatch.setattr("apps.core.lane.app.identify", keyed)

    assert api(operator).post(PATH, json=ask()).status_code == (200 if admin else 403)
    assert len(tools.called) == int(admin)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"tool": "local/none"}, (404, "MCP_2003")),
        ({"tool": "none/echo"}, (404, "MCP_2003")),
        ({"tool": "echo"}, (400, "CORE_2000")),
        ({"tool": 5}, (400, "CORE_2000")),
        ({"arguments": []}, (400, "CORE_2000")),
        ({"arguments": {}}, (422, "MCP_2004")),
    ],
)
def test_run__wrong__is_refused_and_nothing_is_called(api, operator, tools, body, refusal):
    answer = api(operator).post(PATH, json=ask(**body))

    assert (answer.status_code, answer.json()["code"]) == refusal
    assert tools.called == []


def frames(text: str) -> list[tuple[str, Any]]:
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.split("\n\n") if block]
    return [(block["event"], json.loads(block["data"])) for block in blocks]


def test_run__streamed__tells_progress_and_ends_with_done(api, operator, tools):
    told = frames(api(operator).post(PATH, json=ask(stream=True)).text)

    assert [name for name, _data in told] == ["start", "progress", "result", "done"]
    assert told[1][1] == {"progress": 0.5, "message": "half"}
    assert told[2][1] == {"result": {"said": "hi"}}


def test_run__streamed_and_failing__ends_with_the_error(api, operator, tools):
    tools.failure = ToolTimeout(tool="echo")

    told = frames(api(operator).post(PATH, json=ask(stream=True)).text)

    assert [name for name, _data in told] == ["start", "progress", "error"]
    assert told[-1][1]["code"] == "MCP_5002"
    assert told[-1][1]["retryable"] is True
