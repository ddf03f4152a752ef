"""HTTP requests, over real connections with https to a server on this machine."""

import asyncio
import gzip
import zlib

import pytest
from aiohttp import web

from apps.core.http import AddressRefused
from apps.pipelines.nodes import http_calls, node_types
from apps.pipelines.nodes.errors import (
    AddressUnfit,
    HeaderRefused,
    HostRefused,
    HttpAnswerUnfit,
    HttpFailed,
    HttpUnknown,
)
from tests.pipelines.nodes.context import Files, Outside, mistakes
from tests.pipelines.nodes.web import Web, ask, hangs_up, run, says, stays_silent


def test_run__json__is_read():
    server, outside = Web(says({"price": 5}, headers={"X-Page": "2", "Set-Cookie": "a=b"})), Outside()

    result = run(server, {"path": "/v1/items"}, outside=outside)

    assert {name: result.output[name] for name in ("status", "json", "text", "file")} == {
        "status": 200,
        "json": {"price": 5},
        "text": "",
        "file": "",
    }
    assert result.output["headers"]["x-page"] == "2"
    assert "set-cookie" not in result.output["headers"]
    assert [(call["kind"], call["repeatable"]) for call in outside.calls] == [("http", True)]
    assert outside.calls[0]["address"].startswith("127.0.0.1:")


def test_run__values__stay_in_their_places():
    server = Web(says({}))
    config = {
        "method": "POST",
        "path": "/v1/{{ id }}/notes",
        "query": {"q": "{{ word }}", "n": "{{ n }}", "none": "{{ none }}"},
        "headers": {"X-Word": "{{ word }}"},
        "body": "json",
    }
    inputs = {"id": "a/../b?x=1#y %", "word": "tea & cups", "n": 5, "none": None, "body": {"dear": "Zoë"}}

    run(server, config, inputs)

    method, path, headers, body = server.asked[0]
    assert (method, path) == ("POST", "/v1/a%2F..%2Fb%3Fx%3D1%23y%20%25/notes?q=tea+%26+cups&n=5")
    assert (headers["X-Word"], headers["Content-Type"], body) == ("tea & cups", "application/json", '{"dear": "Zoë"}')


@pytest.mark.parametrize("value", ["..", ".", "", "%2e%2e/x"])
def test_run__value_that_would_leave_the_path__is_refused_or_harmless(value):
    server = Web(says({}))

    if value == "%2e%2e/x":
        run(server, {"path": "/v1/{{ id }}"}, {"id": value})
        assert server.asked[0][1] == "/v1/%252e%252e%2Fx"
        return
    with pytest.raises(AddressUnfit):
        run(server, {"path": "/{{ id }}/v1"}, {"id": value})
    assert server.asked == []


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\x00", "x" * 2_001])
def test_run__value_that_is_no_header__is_refused(value):
    server = Web(says({}))

    with pytest.raises(HeaderRefused):
        run(server, {"headers": {"X-Word": "{{ word }}"}}, {"word": value})

    assert server.asked == []


def test_run__idempotency_header__carries_the_calls_key():
    server, outside = Web(says({})), Outside()

    run(server, {"method": "POST", "idempotency_header": "Idempotency-Key"}, outside=outside)

    assert server.asked[0][2]["Idempotency-Key"] == "task:0"
    assert outside.calls[0]["repeatable"]


@pytest.mark.parametrize(
    ("method", "repeatable"), [("GET", True), ("PUT", True), ("DELETE", True), ("POST", False), ("PATCH", False)]
)
def test_run__method__tells_whether_it_may_be_repeated(method, repeatable):
    outside = Outside()

    run(Web(says({})), {"method": method}, outside=outside)

    assert outside.calls[0]["repeatable"] is repeatable


def test_run__text_and_files__are_told_apart(tmp_path):
    files = Files(tmp_path)

    text = run(Web(says("Grüße".encode("latin-1"), content_type="text/plain", charset="latin-1")), {}).output
    picture = run(Web(says(b"\x89PNG", content_type="image/png")), {}, files=files).output
    nothing = run(Web(says(status=204)), {}).output

    assert (text["text"], text["json"], picture["file"], nothing["status"]) == ("Grüße", None, "kept-1", 204)
    assert files.kept == [("127.0.0.1", "image/png", b"\x89PNG")]


def test_run__refused_by_the_service__is_a_result():
    result = run(Web(says({"why": "not found"}, status=404)), {})

    assert (result.output["status"], result.output["json"]) == (404, {"why": "not found"})


# --- what is not allowed --------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1", "127.0.0.1:1"])
def test_run__host_that_is_not_named__is_refused(settings, host):
    settings.PIPELINE_HOSTS = ["api.example.com"]
    outside = Outside()

    with pytest.raises(HostRefused):
        ask({"host": host}, {}, outside=outside)

    assert outside.calls == []


def test_run__host_inside_the_network__is_refused_though_it_is_named(settings):
    settings.PIPELINE_HOSTS, settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1:443"], []

    with pytest.raises(AddressRefused):
        ask({"host": "127.0.0.1:443"}, {})


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_run__redirect__is_not_followed(status):
    server = Web(says(b"", status=status, headers={"Location": "/other"}))

    with pytest.raises(HttpAnswerUnfit):
        run(server, {})

    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"path": "v1"}, [("path", "E_ADDRESS_UNFIT")]),
        ({"path": "/{{ x"}, [("path", "E_TEMPLATE")]),
        ({"query": {"q": "{{ x"}}, [("query.q", "E_TEMPLATE")]),
        ({"headers": {"authorization": "x"}}, [("headers.authorization", "E_HEADER_REFUSED")]),
        ({"headers": {"Cookie": "x"}}, [("headers.Cookie", "E_HEADER_REFUSED")]),
        ({"headers": {"Proxy-Authorization": "x"}}, [("headers.Proxy-Authorization", "E_HEADER_REFUSED")]),
        ({"headers": {"Bad Name": "x"}}, [("headers.Bad Name", "E_HEADER_REFUSED")]),
        ({"idempotency_header": "Host"}, [("idempotency_header", "E_HEADER_REFUSED")]),
        ({"headers": {"X-Word": "{{ x }}"}}, []),
    ],
)
def test_mistakes__settings__are_told(config, found):
    assert mistakes("http_request", {"host": "api.example.com", **config}) == found


@pytest.mark.parametrize("host", ["", "https://a.example", "a.example/x", "me:pw@a.example", "A.example", "a b"])
def test_config__host__is_a_name_and_maybe_a_port(host):
    with pytest.raises(ValueError, match="host"):
        node_types()["http_request"].Config.model_validate({"host": host})


def test_ports__are_what_the_templates_read():
    node = node_types()["http_request"]
    config = {"host": "a.example", "method": "POST", "path": "/{{ id }}", "query": {"q": "{{ word }}"}, "body": "text"}

    accepts = node.accepts(node.Config.model_validate(config), {})

    assert (accepts["required"], accepts["properties"]) == (["body", "id", "word"], {"body": {"type": "string"}})
    assert node.needs(config).hosts == {"a.example"}


# --- services that die, hang, lie -----------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 503, 408])
def test_run__service_is_down__may_be_tried_again_if_that_does_no_harm(status):
    with pytest.raises(HttpFailed) as failure:
        run(Web(says(b"", status=status)), {})
    with pytest.raises(HttpUnknown) as unknown:
        run(Web(says(b"", status=status)), {"method": "POST"})

    assert (failure.value.retryable, unknown.value.retryable) == (True, False)
    assert unknown.value.details == {"outcome": "unknown"}


def test_run__service_is_busy__may_be_tried_again_with_any_method():
    with pytest.raises(HttpFailed):
        run(Web(says(b"", status=429)), {"method": "POST"})


@pytest.mark.parametrize(("method", "error"), [("GET", HttpFailed), ("POST", HttpUnknown)])
def test_run__service_hangs__is_given_up(monkeypatch, method, error):
    monkeypatch.setattr(http_calls, "READ_SECONDS", 0.3)

    with pytest.raises(error):
        run(Web(stays_silent), {"method": method})


@pytest.mark.parametrize(("method", "error"), [("GET", HttpFailed), ("POST", HttpUnknown)])
def test_run__connection_breaks__is_told(method, error):
    with pytest.raises(error):
        run(Web(hangs_up), {"method": method})


def test_run__nobody_listens__nothing_was_sent(settings):
    settings.PIPELINE_HOSTS, settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1:9"], ["127.0.0.1"]

    with pytest.raises(HttpFailed):
        ask({"host": "127.0.0.1:9", "method": "POST"}, {})


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"<html>", "application/json"), (b'{"a": NaN}', "application/json"), (b"[" * 5_000, "application/problem+json")],
)
def test_run__json_that_is_none__is_refused(body, kind):
    with pytest.raises(HttpAnswerUnfit):
        run(Web(says(body, content_type=kind)), {})


def test_run__json_nested_too_deep__is_refused():
    with pytest.raises(HttpAnswerUnfit):
        run(Web(says(b"[" * 500 + b"]" * 500, content_type="application/json")), {})


@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
def test_run__more_than_allowed_after_unpacking__is_refused(encoding):
    body = b"x" * 5_000_000
    packed = {"": body, "gzip": gzip.compress(body), "deflate": zlib.compress(body)}[encoding]
    headers = {"Content-Encoding": encoding} if encoding else {}
    server = Web(says(packed, content_type="text/plain", headers=headers))

    with pytest.raises(HttpAnswerUnfit) as failure:
        run(server, {"max_bytes": 1_000_000})

    assert "1000000 bytes" in failure.value.text()


def test_run__packed_answer__is_unpacked():
    server = Web(
        says(gzip.compress(b'{"a": 1}'), content_type="application/json", headers={"Content-Encoding": "gzip"})
    )

    assert run(server, {}).output["json"] == {"a": 1}


@pytest.mark.parametrize(("encoding", "body"), [("br", b"x"), ("gzip", b"no gzip")])
def test_run__packing_that_cannot_be_undone__is_refused(encoding, body):
    with pytest.raises(HttpAnswerUnfit):
        run(Web(says(body, headers={"Content-Encoding": encoding})), {})


def test_run__answer_without_end__is_stopped():
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65_536)
            await asyncio.sleep(0)  # the client lives in the same loop

    with pytest.raises(HttpAnswerUnfit):
        run(Web(endless), {"max_bytes": 200_000})
