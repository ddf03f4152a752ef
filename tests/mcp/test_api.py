"""`/api/v1/admin/mcp`: what an operator's tools can do, and what no field of it can."""

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from structlog.testing import capture_logs

from apps.mcp import services
from apps.mcp.models import Secret, Server, Tool
from tests.conftest import Api, make_user
from tests.mcp.builders import allow, children, make_server
from tests.mcp.raw_server import a_tool

URL = "/api/v1/admin/mcp"
TOKEN = "tok-canary-0123456789ab9f2c"
NEW = {"key": "shop", "name": "Shop", "transport": "http", "url": "https://tools.example.com/mcp"}


@pytest.fixture
def api(operator: Any) -> Api:
    return Api(operator)


# --- servers ----------------------------------------------------------------------------------


def test_create__with_token__is_masked_for_ever(api):
    made = api.post(URL, json={**NEW, "token": TOKEN})

    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    assert (made.json()["token_state"], made.json()["token_hint"]) == ("set", "…9f2c")
    everything = made.text + api.get(URL).text + api.get(f"{URL}/shop").text
    stored = str(list(Secret.objects.values_list())) + str(list(Server.history.values_list()))
    assert TOKEN not in everything + stored


def test_create__key_taken__is_a_conflict_and_changes_nothing(api):
    api.post(URL, json=NEW)

    refused = api.post(URL, json={**NEW, "name": "Other", "token": TOKEN})

    assert (refused.status_code, refused.json()["code"]) == (409, "MCP_2005")
    assert (Server.objects.get().name, Secret.objects.count()) == ("Shop", 0)


@pytest.mark.parametrize(
    "extra",
    [
        {"command": "sh"},
        {"args": ["-c", "id"]},
        {"env": {"LD_PRELOAD": "/tmp/x.so"}},
        {"cwd": "/"},
        {"transport": "stdio"},
        {"transport": "stdio", "url": "", "catalogue_id": "sh"},
        {"transport": "stdio", "url": "", "catalogue_id": "image-tools; id"},
        {"transport": "stdio", "url": "", "catalogue_id": "$(id)"},
        {"transport": "stdio", "url": "", "catalogue_id": "image-tools\nsh"},
        {"transport": "stdio", "url": "", "catalogue_id": "npx --yes evil"},
        {"transport": "stdio", "url": "", "catalogue_id": "../../bin/sh"},
        {"transport": "stdio", "url": "", "catalogue_id": "python -c 1"},
        {"transport": "STDIO", "url": "", "catalogue_id": "image-tools"},
        {"transport": "pipe"},
        {"url": "stdio:///bin/sh"},
        {"url": "file:///bin/sh"},
        {"catalogue_id": "image-tools"},
        {"catalogue_id": {"command": "sh"}},
        {"url": ["/bin/sh"]},
        {"id": 7},
        {"revision": 9},
        {"discovered_at": "2026-01-01T00:00:00Z"},
    ],
)
@pytest.mark.parametrize("method", ["post", "patch"])
def test_write__command_or_unknown_field__is_refused_and_nothing_started(api, extra, method):
    before = children()
    if method == "patch":
        api.post(URL, json=NEW)
        refused = api.patch(f"{URL}/shop", json=extra, headers={"If-Match": "1"})
    else:
        refused = api.post(URL, json=NEW | extra)

    assert (refused.status_code, children()) == (400, before)
    kept = list(Server.objects.values_list("transport", "url", "catalogue_id", "revision"))
    assert kept == ([("http", NEW["url"], "", 1)] if method == "patch" else [])


def test_update__stale_revision__is_refused(api):
    api.post(URL, json=NEW)
    api.patch(f"{URL}/shop", json={"name": "A"}, headers={"If-Match": '"1"'})

    refused = api.patch(f"{URL}/shop", json={"name": "B"}, headers={"If-Match": '"1"'})

    assert (refused.status_code, refused.json()["details"]["revision"]) == (412, 2)
    assert Server.objects.get().name == "A"


@pytest.mark.parametrize(
    "change",
    [
        {"url": "https://evil.example/mcp"},
        {"transport": "ws", "url": "wss://tools.example.com/mcp"},
        {"token_header": "X-Other"},
    ],
)
def test_update__address_moves__wants_the_token_again(api, change):
    api.post(URL, json={**NEW, "token": TOKEN})

    refused = api.patch(f"{URL}/shop", json=change, headers={"If-Match": "1"})
    assert (refused.status_code, refused.json()["code"]) == (422, "MCP_2006")
    assert Server.objects.get().url == NEW["url"]

    again = api.patch(f"{URL}/shop", json={**change, "token": "tok-other-12345678"}, headers={"If-Match": "1"})
    assert (again.status_code, again.json()["token_hint"]) == (200, "…5678")


def test_update__null_token__removes_it_and_the_address_may_move(api):
    api.post(URL, json={**NEW, "token": TOKEN})

    moved = api.patch(f"{URL}/shop", json={"url": "https://b.example/mcp", "token": None}, headers={"If-Match": "1"})

    assert (moved.status_code, moved.json()["token_state"], Secret.objects.count()) == (200, "none", 0)


def test_read__token_that_no_key_opens__says_so_and_other_changes_keep_it(api, settings):
    api.post(URL, json={**NEW, "token": TOKEN})
    blob = Secret.objects.get().blob
    settings.MASTER_KEYS = ["other:" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="]

    assert api.get(f"{URL}/shop").json()["token_state"] == "unreadable"
    api.patch(f"{URL}/shop", json={"name": "Still"}, headers={"If-Match": "1"})
    assert Secret.objects.get().blob == blob


def test_blob__copied_to_another_server__does_not_open(api):
    api.post(URL, json={**NEW, "token": TOKEN})
    api.post(URL, json={**NEW, "key": "other", "token": "tok-another-1234"})
    first, second = Secret.objects.order_by("pk")

    Secret.objects.filter(pk=second.pk).update(blob=first.blob)

    assert api.get(f"{URL}/other").json()["token_state"] == "unreadable"


def test_delete__needs_the_revision_and_leaves_the_history(api):
    api.post(URL, json=NEW)

    assert api.request("DELETE", f"{URL}/shop").status_code == 400
    assert api.request("DELETE", f"{URL}/shop", headers={"If-Match": "1"}).status_code == 204
    assert (Server.objects.count(), Server.history.count()) == (0, 2)


def test_list__pages_and_filters__same_number_of_queries_for_many(api):
    for number in range(3):
        api.post(URL, json={**NEW, "key": f"s{number}", "enabled": number != 1})
    services.create_server("local", {"name": "Local", "catalogue_id": "image-tools"}, by=None)

    first = api.get(f"{URL}?size=2").json()
    second = api.get(f"{URL}?size=2&cursor={first['next']}").json()
    assert [one["key"] for one in first["items"] + second["items"]] == ["local", "s2", "s1", "s0"]
    assert second["next"] is None
    assert [one["key"] for one in api.get(f"{URL}?transport=stdio").json()["items"]] == ["local"]
    assert [one["key"] for one in api.get(f"{URL}?enabled=false").json()["items"]] == ["s1"]
    assert [one["key"] for one in api.get(f"{URL}?search=S2").json()["items"]] == ["s2"]
    assert api.get(f"{URL}?size=0").status_code == 400

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            api.get(f"{URL}?size=100")
        return len(seen)

    before = queries()
    for number in range(20):
        services.create_server(f"m{number}", {k: v for k, v in NEW.items() if k != "key"}, token=TOKEN, by=None)
    assert queries() == before


@pytest.mark.parametrize(("role", "status"), [("member", 403), ("viewer", 403), ("editor", 201), ("admin", 201)])
def test_create__by_role(db, role, status):
    assert Api(make_user("pat", role=role)).post(URL, json=NEW).status_code == status


def test_token__who_may_write_servers_but_no_tokens__is_refused(db):
    user = make_user("pat", role="editor")
    user.groups.clear()
    from django.contrib.auth.models import Permission

    user.user_permissions.set(Permission.objects.filter(content_type__app_label="mcp", codename__endswith="_server"))

    refused = Api(user).post(URL, json={**NEW, "token": TOKEN})

    assert (refused.status_code, refused.json()["code"], Server.objects.count()) == (403, "MCP_2007", 0)


# --- trials -----------------------------------------------------------------------------------


def test_discover__shows_and_keeps_the_tools(api, script):
    make_server(script.port)

    answer = api.post(f"{URL}/raw/discover", json={})

    (tool,) = answer.json()["items"]
    assert (answer.status_code, tool["address"], tool["allowed"]) == (200, "raw/echo", False)
    assert api.get(f"{URL}/raw").json()["protocol"] == "2025-11-25"


def test_discover__server_down__is_502_with_its_words(api, script):
    make_server(1)

    answer = api.post(f"{URL}/raw/discover", json={})

    assert (answer.status_code, answer.json()["code"]) == (502, "MCP_5001")
    assert "Connect" in answer.json()["details"]["upstream"]


def test_test__tells_time_version_tools_and_a_sample_call(api, script):
    make_server(script.port, token=TOKEN)

    probe = api.post(f"{URL}/raw/test", json={"tool": "echo", "arguments": {"text": "hi"}}).json()

    assert (probe["ok"], probe["protocol"], probe["server_version"]) == (True, "2025-11-25", "1.0")
    assert (probe["tools"], probe["token"]) == (["echo"], "set")
    assert (probe["call"]["ok"], probe["call"]["result"]) == (True, {"said": "hi"})
    assert isinstance(probe["open_ms"], int)
    assert TOKEN not in json.dumps(probe)


def test_test__token_refused__says_so_with_the_words_but_not_the_token(api, script):
    from starlette.responses import Response

    from tests.mcp.raw_server import Refuse

    def before(request: Any) -> None:
        raise Refuse(Response(f"expired: {request.headers['authorization']}", status_code=401))

    script.before = before
    make_server(script.port, token=TOKEN)

    with capture_logs() as logs:
        probe = api.post(f"{URL}/raw/test", json={}).json()

    assert (probe["ok"], probe["error"]["code"]) == (False, "MCP_5003")
    assert probe["error"]["details"]["upstream"] == "HTTP 401 expired: Bearer ***"
    assert TOKEN not in json.dumps(probe) + str(logs) + Server.objects.get().last_error


def test_call__wrong_arguments__are_told_and_nothing_is_sent(api, script):
    server = make_server(script.port)
    services.discover_tools(server, by=None)

    trial = api.post(f"{URL}/raw/tools/echo/call", json={"arguments": {"text": 5}}).json()

    assert (trial["ok"], trial["error"]["code"], script.calls) == (False, "MCP_2004", [])
    assert trial["error"]["details"]["errors"][0]["pointer"] == "/text"


def test_call__by_hand__works_before_it_is_allowed_and_is_written_down(api, script, operator):
    services.discover_tools(make_server(script.port), by=None)

    trial = api.post(f"{URL}/raw/tools/echo/call", json={"arguments": {"text": "x"}}).json()

    assert (trial["ok"], trial["result"]) == (True, {"said": "x"})
    entry = LogEntry.objects.get()
    assert (entry.user, entry.change_message) == (operator, "Called the tool echo by hand.")


def test_call__server_shows_another_tool_by_now__sends_nothing(api, script):
    services.discover_tools(make_server(script.port), by=None)
    script.tools = lambda: [a_tool(description="Swapped.")]

    trial = api.post(f"{URL}/raw/tools/echo/call", json={"arguments": {"text": "x"}}).json()

    assert (trial["error"]["code"], script.calls) == ("MCP_2008", [])


def test_diff_and_approve__of_a_changed_tool(api, script):
    server = make_server(script.port)
    allow(server)
    script.tools = lambda: [a_tool(description="Says it louder.")]
    services.discover_tools(server, by=None)

    shown = api.get(f"{URL}/raw/tools/echo/diff").json()
    assert [(c["path"], c["old"], c["new"]) for c in shown["changes"]] == [
        ("/description", "Says it again.", "Says it louder.")
    ]
    wrong = api.post(f"{URL}/raw/tools/echo/approve", json={"sha256": shown["from"]})
    assert (wrong.status_code, wrong.json()["code"], Tool.objects.get().is_changed) == (409, "MCP_2008", True)

    approved = api.post(f"{URL}/raw/tools/echo/approve", json={"sha256": shown["to"]}).json()
    assert (approved["is_changed"], approved["allowed"], approved["description"]) == (False, True, "Says it louder.")
    assert api.get(f"{URL}/raw/tools/echo/diff").json()["changes"] == []


def test_options__are_kept_and_allowing_is_approving(api, script):
    allow(make_server(script.port))

    kept = api.patch(f"{URL}/raw/tools/echo", json={"timeout_seconds": 9, "repeatable": True}).json()
    assert (kept["timeout_seconds"], kept["repeatable"], kept["allowed"]) == (9, True, True)
    assert api.patch(f"{URL}/raw/tools/echo", json={"allowed": True}).status_code == 400
    assert api.patch(f"{URL}/raw/tools/echo", json={"sha256": "0" * 64}).status_code == 400
    assert api.patch(f"{URL}/raw/tools/echo", json={"allowed": False}).json()["allowed"] is False


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("POST", "/discover"), ("POST", "/test"), ("GET", "/tools/x"), ("POST", "/tools/x/call")],
)
def test_every_address__unknown_server__is_404(api, method, path):
    assert api.request(method, f"{URL}/nobody{path}", json={} if method == "POST" else None).status_code == 404
