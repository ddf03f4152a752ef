"""Released features as tools of `/mcp`, on the protocol before the newest; the SDK's own client speaks the newest."""

import json
from dataclasses import replace
from typing import Any

import pytest

from apps.core.lane import identity
from apps.core.lane.identity import KeyGrant, Principal
from apps.core.storage.models import StoredFile
from apps.features.models import Feature
from apps.features.services import publish_feature
from apps.mcp.server import calls, door
from apps.tasks.models import Status, Task
from apps.tasks.services import create_task
from tests.tasks.builders import TEXT_FORM, echo_graph, make_feature
from tests.tasks.test_feature_models import picture
from tests.tasks.working import worker

pytestmark = pytest.mark.django_db(transaction=True)

HEADERS = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
    "MCP-Protocol-Version": "2025-11-25",
}
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


@pytest.fixture
def working(monkeypatch):
    with worker(monkeypatch):
        yield


def post(api, user, method: str, params: dict[str, Any] | None = None, **headers: str):
    message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params or {}}
    return api(user).post("/mcp", content=json.dumps(message), headers=HEADERS | headers)


def messages(answer) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]


def tools_of(api, user, **headers: str) -> list[dict[str, Any]]:
    return messages(post(api, user, "tools/list", **headers))[-1]["result"]["tools"]


def call(api, user, arguments: dict[str, Any], name: str = "echo", **more: Any) -> list[dict[str, Any]]:
    return messages(post(api, user, "tools/call", {"name": name, "arguments": arguments, **more}))


# --- the door ---------------------------------------------------------------------------------


def test_exchange__nobody__is_asked_to_sign_in(api, db):
    answer = post(api, None, "tools/list")

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_exchange__initialize__names_the_server_and_gives_a_session(api, member):
    answer = post(api, member, "initialize", HELLO)

    result = messages(answer)[-1]["result"]
    assert result["serverInfo"]["name"] == "paiban"
    assert result["protocolVersion"] == "2025-11-25"
    assert not result["capabilities"]["tools"].get("listChanged")
    assert calls.session_of(answer.headers["mcp-session-id"])
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil.example", "http://[x"])
def test_exchange__page_of_another_site__is_refused(api, member, working, origin):
    make_feature()

    answer = post(api, member, "tools/call", {"name": "echo", "arguments": {"text": "hello"}}, Origin=origin)

    assert (answer.status_code, answer.json()["code"]) == (403, "MCP_2040")
    assert Task.objects.count() == 0


def test_exchange__host_that_is_not_ours__is_refused(api, member, settings):
    settings.ALLOWED_HOSTS = ["paiban.example"]

    answer = post(api, member, "tools/list")

    assert (answer.status_code, answer.json()["code"]) == (421, "MCP_2041")


def test_exchange__own_page__is_served(api, member):
    answer = post(api, member, "tools/list", Origin="http://testserver")

    assert answer.status_code == 200


def test_exchange__body_too_large__is_refused(api, member, monkeypatch):
    monkeypatch.setattr(door, "LARGEST", 10)

    assert post(api, member, "tools/list").status_code == 413


@pytest.mark.parametrize("content", ["{", "[]", '"x"', "{}", '{"jsonrpc": "2.0", "id": 1}'])
def test_exchange__no_message__is_a_bad_request(api, member, content):
    answer = api(member).post("/mcp", content=content, headers=HEADERS)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in {-32700, -32600, -32602}


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_exchange__other_method__is_not_allowed(api, member, method):
    answer = api(member).request(method, "/mcp", headers=HEADERS)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


# --- the list ---------------------------------------------------------------------------------


def test_tools__released_features__are_described_as_the_caller_sees_them(api, member, operator):
    make_feature("b-side")
    feature = make_feature("a-side", publish=False)
    properties = {**TEXT_FORM["properties"], "secret": {"type": "string", "x-roles": ["admin"]}}
    Feature.objects.filter(pk=feature.pk).update(
        form_schema={**TEXT_FORM, "properties": properties}, title_zh="甲面", description="What it does"
    )
    publish_feature("a-side", by=None)

    seen, chinese = tools_of(api, member), tools_of(api, member, **{"Accept-Language": "zh-hans"})
    all_seen = tools_of(api, operator)

    assert [tool["name"] for tool in seen] == ["a-side", "b-side"]
    assert (seen[0]["title"], seen[0]["description"]) == ("A-Side", "What it does")
    assert chinese[0]["title"] == "甲面"
    assert set(seen[0]["inputSchema"]["properties"]) == {"text", "size", "image"}
    assert set(all_seen[0]["inputSchema"]["properties"]) == {"text", "size", "image", "secret"}
    assert seen[0]["inputSchema"]["required"] == ["text"]
    assert seen[0]["outputSchema"]["properties"] == {"text": {"type": "string"}}
    assert seen[0]["annotations"] == {
        "title": "A-Side",
        "readOnlyHint": False,
        "destructiveHint": False,
        "idempotentHint": False,
        "openWorldHint": True,
    }


def test_tools__warm__asks_no_query(api, member, django_assert_num_queries):
    make_feature()
    caller = api(member)
    tools_of(lambda _user: caller, member)

    with django_assert_num_queries(0):
        seen = tools_of(lambda _user: caller, member)

    assert [tool["name"] for tool in seen] == ["echo"]


def test_tools__new_release__is_seen_at_once(api, member):
    make_feature()
    before = tools_of(api, member)
    Feature.objects.update(title="Louder")
    publish_feature("echo", by=None)

    assert (before[0]["title"], tools_of(api, member)[0]["title"]) == ("Echo", "Louder")


def test_tools__key_for_one_feature__has_only_that(api, member, monkeypatch, working):
    make_feature("echo")
    make_feature("other")
    real = identity.identify

    async def keyed(authorization: str, address: str) -> Principal | None:
        principal = await real(authorization, address)
        return principal and replace(principal, key=KeyGrant(1, features=frozenset({"other"})))

    monkeypatch.setattr("apps.core.lane.app.identify", keyed)

    assert [tool["name"] for tool in tools_of(api, member)] == ["other"]
    assert call(api, member, {"text": "hello"})[-1]["error"]["code"] == -32602
    assert Task.objects.count() == 0


# --- calls ------------------------------------------------------------------------------------


def test_call__runs_a_task__and_answers_text_and_structure(api, member, working):
    make_feature(cost=5)

    result = call(api, member, {"text": "hello"})[-1]["result"]

    task = Task.objects.get()
    assert not result.get("isError")
    assert result["structuredContent"] == {"text": "hello"}
    assert result["content"] == [{"type": "text", "text": "hello"}]
    assert result["_meta"]["paiban"] == {"task": str(task.pk), "feature": "echo", "version": 1, "cost": 5}
    assert (task.user, task.status, task.input) == (member, Status.SUCCEEDED, {"text": "hello", "size": 3})


def test_call__progress_token__is_told_how_far_it_is(api, member, working):
    make_feature()

    told = call(api, member, {"text": "hello"}, _meta={"progressToken": "p"})

    progress = [m["params"] for m in told if m.get("method") == "notifications/progress"]
    fractions = [one["progress"] for one in progress]
    assert {one["progressToken"] for one in progress} == {"p"}
    assert fractions == sorted(set(fractions))
    assert fractions[-1] == pytest.approx(1.0, abs=1e-4)
    assert told[-1]["result"]["structuredContent"] == {"text": "hello"}


def test_call__picture__goes_in_as_data_and_comes_out_as_a_link(api, member, working):
    feature = make_feature(publish=False)
    graph = echo_graph()
    graph["nodes"][-1]["inputs"] = {"text": "{{ start.text }}", "image": "{{ start.image }}"}
    feature.pipeline.graph = graph
    feature.pipeline.save()
    feature.output_schema = {
        "type": "object",
        "properties": {"text": {"type": "string"}, "image": {"type": "string", "format": "file"}},
    }
    feature.save()
    publish_feature("echo", by=None)

    result = call(api, member, {"text": "hello", "image": picture()})[-1]["result"]

    stored = StoredFile.objects.get()
    link = next(part for part in result["content"] if part["type"] == "resource_link")
    assert result["structuredContent"] == {"text": "hello", "image": str(stored.pk)}
    assert (link["mimeType"], link["size"], link["name"]) == ("image/png", stored.size, stored.name)
    assert link["uri"].startswith("http://127.0.0.1:8000/files/")
    assert api(None).get(link["uri"].removeprefix("http://127.0.0.1:8000")).status_code == 200
    assert "base64" not in json.dumps(result)


def test_call__input_does_not_fit__is_a_result_with_every_field(api, member, working):
    make_feature()

    result = call(api, member, {"text": "x", "size": 99, "nothing": 1})[-1]["result"]

    words = result["content"][0]["text"]
    assert result["isError"] is True
    assert all(f"/{name}: " in words for name in ("text", "size", "nothing"))
    assert result["_meta"]["paiban"]["code"] == "TASKS_2002"
    assert Task.objects.count() == 0


def test_call__no_such_tool__is_an_error_of_the_protocol(api, member):
    answer = call(api, member, {}, name="none")[-1]

    assert answer["error"]["code"] == -32602
    assert "none" in answer["error"]["message"]


def test_call__no_credits__says_so(api, member):
    make_feature(cost=100_000)

    result = call(api, member, {"text": "hello"})[-1]["result"]

    assert result["isError"] is True
    assert result["_meta"]["paiban"]["reason"] == "E_QUOTA_EXHAUSTED"
    assert Task.objects.count() == 0


def test_call__takes_too_long__names_the_task_which_goes_on(api, member, settings):
    make_feature()
    settings.FEATURE_MODEL_SECONDS = 0

    result = call(api, member, {"text": "hello"})[-1]["result"]

    task = Task.objects.get()
    assert result["isError"] is True
    assert result["_meta"]["paiban"]["task"] == str(task.pk)
    assert task.status == Status.QUEUED


# --- cancelling -------------------------------------------------------------------------------


def began(user, session: str) -> Task:
    """A call of the user's that has not ended: request 7 of the session."""
    from asgiref.sync import async_to_sync

    task = create_task(user, feature="echo", given={"text": "hello"})
    principal = Principal(user.pk, user.username, user.role_names, user.token_epoch)
    async_to_sync(calls.remember)(principal, session, 7, str(task.pk))
    return task


def cancel(api, user, session: str, request_id: Any = 7) -> int:
    message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": request_id}}
    headers = HEADERS | {"Mcp-Session-Id": session}
    return api(user).post("/mcp", content=json.dumps(message), headers=headers).status_code


def test_cancel__own_call__cancels_its_task(api, member):
    make_feature()
    session = calls.new_session()
    task = began(member, session)

    status = cancel(api, member, session)

    task.refresh_from_db()
    assert (status, task.status) == (202, Status.CANCELLED)
    assert cancel(api, member, session) == 202  # once more changes nothing


@pytest.mark.parametrize("request_id", [8, "7", None, {"a": 1}])
def test_cancel__other_request__changes_nothing(api, member, request_id):
    make_feature()
    session = calls.new_session()
    task = began(member, session)

    status = cancel(api, member, session, request_id)

    task.refresh_from_db()
    assert (status, task.status) == (202, Status.QUEUED)


def test_cancel__somebody_elses_call__changes_nothing(api, member, stranger):
    make_feature()
    session = calls.new_session()
    task = began(member, session)

    status = cancel(api, stranger, session)

    task.refresh_from_db()
    assert (status, task.status) == (202, Status.QUEUED)
