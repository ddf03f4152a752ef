"""Log lines are JSON with fixed fields, and hold no secret."""

import io
import json
import logging

import pytest
import structlog
from django.conf import settings

from apps.core import logging as our_logging
from apps.core.request_id import bind_request_id

KEY = "sk-abcdefghijklmnop1234"
API_KEY = "pk-" + "aB3_-" * 8 + "xyz"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJ1aWQiOjF9.c2lnbmF0dXJl"


@pytest.fixture
def lines(monkeypatch):
    """What the real chain writes, parsed line by line."""
    our_logging.configure(fmt="json", level="INFO")
    sink = io.StringIO()
    monkeypatch.setattr(logging.getLogger().handlers[0], "stream", sink)
    yield lambda: [json.loads(line) for line in sink.getvalue().splitlines()]
    structlog.contextvars.clear_contextvars()
    our_logging.configure(fmt=settings.LOG_FORMAT, level=settings.LOG_LEVEL)


def test_log__event__carries_the_fixed_fields(lines):
    bind_request_id("request-0001")

    structlog.get_logger("core").info("task.ended", task="t1")

    (line,) = lines()
    assert {k: line[k] for k in ("msg", "module", "level", "requestId", "task")} == {
        "msg": "task.ended",
        "module": "core",
        "level": "info",
        "requestId": "request-0001",
        "task": "t1",
    }
    assert line["ts"].endswith("Z")


def test_log__standard_library__takes_the_same_chain(lines):
    logging.getLogger("elsewhere").warning("called with %s", KEY)

    (line,) = lines()
    assert (line["msg"], line["module"], line["level"]) == ("called with ***", "elsewhere", "warning")


@pytest.mark.parametrize(
    "fields",
    [
        {"password": "hunter2hunter2"},
        {"Authorization": "Basic hunter2hunter2"},
        {"api_key": "hunter2hunter2"},
        {"access_token": "hunter2hunter2"},
        {"new_secret": "hunter2hunter2"},
        {"body": {"refresh": "hunter2hunter2"}},
        {"items": [{"ticket": "hunter2hunter2"}]},
    ],
)
def test_redact__secret_field__is_masked_at_any_depth(lines, fields):
    structlog.get_logger("core").warning("request.refused", **fields)

    (line,) = lines()
    assert "hunter2hunter2" not in json.dumps(line)
    assert "***" in json.dumps(line)


@pytest.mark.parametrize("secret", [KEY, API_KEY, JWT, f"Bearer {KEY}", "Bearer abc.def-123"])
@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"deep": [f"see {s}!"]}, lambda s: ("a", s)])
def test_redact__secret_value__is_masked_wherever_it_stands(lines, secret, wrap):
    structlog.get_logger("core").warning("upstream.said", what=wrap(secret))

    (line,) = lines()
    assert secret not in json.dumps(line)
    assert secret.removeprefix("Bearer ") not in json.dumps(line)


def test_redact__traceback__is_masked(lines):
    try:
        int(KEY)
    except ValueError:
        structlog.get_logger("core").exception("call.failed")

    (line,) = lines()
    assert KEY not in json.dumps(line)
    assert "ValueError: invalid literal for int() with base 10: '***'" in line["exception"]


def test_redact__harmless_figures__stay(lines):
    structlog.get_logger("core").warning("chat.done", input_tokens=12, secrets_count=3, refreshed=True)

    (line,) = lines()
    assert (line["input_tokens"], line["secrets_count"], line["refreshed"]) == (12, 3, True)
