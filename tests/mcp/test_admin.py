"""The screens of servers and tools: looking, discovering, comparing, approving, trying."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core import assets
from apps.mcp import services
from apps.mcp.models import Secret, Server, Tool
from tests.mcp.builders import allow, make_server
from tests.mcp.raw_server import a_tool

TOKEN = "tok-canary-0123456789ab9f2c"


@pytest.fixture(autouse=True)
def _front_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "_manifest", lambda: {"src/admin.tsx": {"file": "admin-1.js"}})


@pytest.fixture
def browser(client: Client, operator: Any) -> Client:
    client.force_login(operator)
    return client


def page(browser: Client, name: str, *args: Any) -> str:
    answer = browser.get(reverse(f"admin:mcp_{name}", args=args))
    assert answer.status_code == 200
    return answer.content.decode()


def form_of(server: Server, **changes: Any) -> dict[str, Any]:
    """What the server's page would send."""
    names = ["key", "name", "transport", "catalogue_id", "url", "token_header", "timeout_seconds", "max_retries"]
    kept = {name: getattr(server, name) for name in names}
    return (
        kept
        | {"enabled": "on", "pin_version": "on", "seen_revision": server.revision, "tools-TOTAL_FORMS": 0}
        | {"tools-INITIAL_FORMS": 0}
        | changes
    )


def save(browser: Client, server: Server, **changes: Any) -> Any:
    return browser.post(reverse("admin:mcp_server_change", args=[server.pk]), form_of(server, **changes))


def test_add__network_server_with_token__is_kept_sealed_and_released(browser):
    fields = form_of(Server(key="shop", name="Shop", transport="http", url="https://tools.example.com/mcp"))

    answer = browser.post(reverse("admin:mcp_server_add"), fields | {"new_token": TOKEN})

    server = Server.objects.get()
    assert (answer.status_code, server.secret.hint, server.history.count()) == (302, "…9f2c", 1)
    shown = page(browser, "server_change", server.pk) + page(browser, "server_history", server.pk)
    assert TOKEN not in shown + str(list(Secret.objects.values_list()))
    assert "…9f2c" in shown


def test_save__address_moves_under_a_kept_token__is_refused(browser):
    server = make_server(80, token=TOKEN)

    answer = save(browser, server, url="https://evil.example/mcp")

    assert (answer.status_code, Server.objects.get().url) == (200, server.url)
    assert "Enter the token again" in answer.content.decode()
    assert save(browser, server, url="https://evil.example/mcp", remove_token="on").status_code == 302
    assert not Secret.objects.exists()


def test_save__somebody_saved_meanwhile__is_refused(browser):
    server = make_server(80)
    services.update_server("raw", {"name": "Theirs"}, expected_revision=1, by=None)

    answer = save(browser, server, name="Mine")

    assert (answer.status_code, Server.objects.get().name) == (200, "Theirs")
    assert "somebody else saved this server meanwhile" in answer.content.decode()


def test_save__new_name_for_the_key__forgets_what_was_allowed(browser, script):
    server = make_server(script.port)
    allow(server)
    server.refresh_from_db()

    assert save(browser, server, key="renamed").status_code == 302

    assert (Server.objects.get().key, Tool.objects.get().allowed) == ("renamed", False)


def test_page__token_that_no_key_opens__says_needs_key(browser, settings):
    server = make_server(80, token=TOKEN)
    settings.MASTER_KEYS = ["other:" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="]

    assert "needs key" in page(browser, "server_change", server.pk)
    assert "needs key" in page(browser, "server_changelist")


def test_history__of_a_server_and_of_a_tool__cannot_be_brought_back(browser, script):
    server = make_server(script.port, token=TOKEN)
    allow(server)
    tool = Tool.objects.get()
    for model, row in (("server", server), ("tool", tool)):
        version = row.history.first()
        url = reverse(f"admin:mcp_{model}_simple_history", args=[row.pk, version.pk])
        assert browser.post(url, {}).status_code == 403


def test_lists__same_number_of_queries_for_1_and_20(browser):
    def queries(name: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            page(browser, name)
        return len(seen)

    def fill(count: int, word: str) -> None:
        for number in range(count):
            server = services.create_server(
                f"{word}{number}",
                {"name": "M", "transport": "http", "url": "https://a.example/mcp"},
                token=TOKEN,
                by=None,
            )
            Tool.objects.create(server=server, name="t", sha256="a", seen_sha256="a")

    fill(1, "a")
    page(browser, "server_changelist"), page(browser, "tool_changelist")  # content types are looked up once
    before = queries("server_changelist"), queries("tool_changelist")
    fill(19, "b")

    assert (queries("server_changelist"), queries("tool_changelist")) == before


def test_discover__button__stores_the_tools_and_says_how_many(browser, script):
    server = make_server(script.port)

    answer = browser.post(reverse("admin:mcp_server_discover", args=[server.pk]), follow=True)

    assert "Raw shows 1 tools." in answer.content.decode()
    assert Tool.objects.get().name == "echo"
    assert browser.get(reverse("admin:mcp_server_discover", args=[server.pk])).status_code == 405


def test_discover__server_down__says_why_and_the_list_shows_it(browser, script):
    server = make_server(1)

    answer = browser.post(reverse("admin:mcp_server_discover", args=[server.pk]), follow=True)

    assert "is not reachable" in answer.content.decode()
    assert "The last contact found a problem" in page(browser, "server_change", server.pk)


def test_test__button__shows_times_version_and_tools(browser, script):
    server = make_server(script.port)

    shown = browser.post(reverse("admin:mcp_server_test", args=[server.pk])).content.decode()

    assert "It works" in shown
    assert "2025-11-25" in shown
    assert "echo" in shown


def test_test__server_down__shows_the_real_words(browser, script):
    server = make_server(1)

    shown = browser.post(reverse("admin:mcp_server_test", args=[server.pk])).content.decode()

    assert "It does not work" in shown
    assert "ConnectError" in shown


def test_diff__changed_tool__shows_both_sides_and_approves_what_was_shown(browser, script):
    server = make_server(script.port)
    allow(server)
    script.tools = lambda: [a_tool(description="<script>alert(1)</script>")]
    services.discover_tools(server, by=None)
    tool = Tool.objects.get()

    shown = page(browser, "tool_diff", tool.pk)
    assert "Says it again." in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "<script>alert(1)" not in shown
    assert "changed, blocked" in page(browser, "server_change", server.pk)

    url = reverse("admin:mcp_tool_approve", args=[tool.pk])
    wrong = browser.post(url, {"sha256": tool.sha256}, follow=True)
    assert "changed again since you looked" in wrong.content.decode()
    assert Tool.objects.get().is_changed
    browser.post(url, {"sha256": tool.seen_sha256})
    assert (Tool.objects.get().is_changed, Tool.objects.get().allowed) == (False, True)


def test_tool__options_are_saved_and_forbidding_is_a_post(browser, script):
    allow(make_server(script.port))
    tool = Tool.objects.get()

    browser.post(
        reverse("admin:mcp_tool_change", args=[tool.pk]),
        {"timeout_seconds": "7", "repeatable": "on", "max_retries": ""},
    )
    kept = Tool.objects.get()
    assert (kept.timeout_seconds, kept.repeatable, kept.max_retries, kept.allowed) == (7, True, None, True)

    browser.post(reverse("admin:mcp_tool_forbid", args=[tool.pk]))
    assert not Tool.objects.get().allowed


def test_try__generated_form_and_json__call_the_tool(browser, script):
    services.discover_tools(make_server(script.port), by=None)
    tool = Tool.objects.get()

    assert 'data-paiban="tool-tester"' in page(browser, "tool_try", tool.pk)
    called = browser.post(reverse("admin:mcp_tool_call", args=[tool.pk]), {"arguments": '{"text": "a"}'})
    assert called.json()["result"] == {"said": "a"}
    plain = browser.post(reverse("admin:mcp_tool_try", args=[tool.pk]), {"arguments": '{"text": "b"}'})
    assert "Answered" in plain.content.decode()
    assert [one["arguments"] for one in script.calls] == [{"text": "a"}, {"text": "b"}]


@pytest.mark.parametrize("given", ["{", "[]", '"x"', "NaN"])
def test_try__no_object__is_told_and_nothing_sent(browser, script, given):
    services.discover_tools(make_server(script.port), by=None)
    tool = Tool.objects.get()

    called = browser.post(reverse("admin:mcp_tool_call", args=[tool.pk]), {"arguments": given})
    plain = browser.post(reverse("admin:mcp_tool_try", args=[tool.pk]), {"arguments": given})

    assert (called.status_code, plain.status_code, script.calls) == (400, 400, [])


def test_try__missing_argument__is_named(browser, script):
    services.discover_tools(make_server(script.port), by=None)

    called = browser.post(reverse("admin:mcp_tool_call", args=[Tool.objects.get().pk]), {"arguments": "{}"}).json()

    assert (called["ok"], called["error"]["code"], script.calls) == (False, "MCP_2004", [])
    assert called["error"]["details"]["errors"][0]["pointer"] == "/text"
    assert json.dumps(called).count("required") >= 1


@pytest.mark.parametrize("name", ["tool_try", "tool_call", "tool_approve", "tool_forbid"])
def test_pages__viewer__may_look_but_not_act(client, viewer, script, name):
    services.discover_tools(make_server(script.port), by=None)
    client.force_login(viewer)
    pk = Tool.objects.get().pk

    assert client.get(reverse("admin:mcp_tool_diff", args=[pk])).status_code == 200
    assert client.post(reverse(f"admin:mcp_{name}", args=[pk]), {"arguments": "{}"}).status_code == 403
    assert script.calls == []
