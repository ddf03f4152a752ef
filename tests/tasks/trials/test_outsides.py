"""Samples and recorded answers in place of the outside: nobody is asked, and the shapes are those of real answers."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync

from apps.core.publishing.canonical import sha256_of
from apps.pipelines.engine.ports import Call, RecordedCall
from apps.pipelines.nodes.llm_chat.asking import told
from apps.providers.types import Answer, Usage
from apps.tasks.trials.errors import NotRecorded, RecordedFailed
from apps.tasks.trials.outsides.mock import Mock
from apps.tasks.trials.outsides.recorded import Recording, Replayed

PICTURE = {"type": "object", "properties": {"uri": {"type": "string"}, "mime": {"type": "string"}}}
TOOL = {"output_schema": {"type": "object", "properties": {"image": PICTURE, "coverage": {"type": "number"}}}}
FILE = "0b6f2f0e-6c1d-4a57-9f5e-0f6f8f2f3c11"
ASKED = {"messages": [{"role": "user", "content": "Tea"}], "options": {}}


async def never(_key: str) -> Any:
    raise AssertionError("the outside was asked")


async def as_it_is(value: Any) -> Any:
    return value


def call(
    kind: Any = "model", address: str = "chat/gpt", request: Any = ASKED, *, path: str = "copy", no: int = 0
) -> Call:
    return Call(path, no, kind, address, request, False, f"key:{no}")


def ask(outside: Any, one: Call, do: Any = never) -> Any:
    return async_to_sync(outside.__call__)(one, do)


def recorded(request: Any, response: Any, *, status: Any = "done", **more: Any) -> RecordedCall:
    return RecordedCall("model", "chat/gpt", sha256_of(request), False, status, response, **more)


# --- samples ------------------------------------------------------------------------------------


def test_mock__a_model__answers_in_the_shape_of_a_real_answer_and_costs_nothing():
    answer = ask(Mock(), call())

    real = told(Answer("x", "m", "e", mock=False, usage=Usage(1, 1)))
    assert answer.keys() == real.keys()
    assert answer["usage"].keys() == real["usage"].keys()
    assert "Tea" in answer["text"]
    assert (answer["model"], answer["mock"], answer["degraded"]) == ("mock-chat", True, False)
    assert answer["usage"]["cost_micro"] == 0


def test_mock__a_model_that_is_shown_a_picture__answers():
    parts = [{"type": "text", "text": "What is it?"}, {"type": "file", "id": FILE}]

    assert "What is it?" in ask(Mock(), call(request={"messages": [{"role": "user", "content": parts}]}))["text"]


def test_mock__a_model_asked_for_json__gives_what_fits_the_schema():
    schema = {"type": "object", "properties": {"price": {"type": "integer", "minimum": 3}}, "required": ["price"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}

    answer = ask(Mock(), call(request={**ASKED, "options": {"response_format": wanted}}))

    assert answer["text"] == '{"price":3}'


def test_mock__a_tool_with_a_picture__gives_the_picture_back():
    given = {"arguments": {"image": FILE, "width": 9}}

    answer = ask(Mock({"image-tools/cut_out": TOOL}), call("tool", "image-tools/cut_out", given))

    assert answer == {"image": FILE, "coverage": 1}


def test_mock__a_tool_that_was_given_no_picture__makes_one():
    async def picture() -> str:
        return FILE

    answer = ask(Mock({"s/draw": TOOL}, picture), call("tool", "s/draw", {"arguments": {"text": "x"}}))

    assert answer["image"] == FILE


def test_mock__a_tool_that_says_nothing_of_its_answer__gives_text():
    assert ask(Mock(), call("tool", "s/t", {"arguments": {}})) == {"text": "Sample answer of s/t"}


def test_mock__a_web_address_and_a_knowledge_base__have_the_shape_of_real_answers():
    page = ask(Mock(), call("http", "api.example.com", {"method": "POST"}))
    found = ask(Mock(), call("retrieve", "handbook", {"query": "tea"}))

    assert page == {"status": 200, "headers": {"content-type": "application/json"}, "json": {}, "text": "", "file": ""}
    [passage] = found["contexts"]
    assert (sorted(passage), passage["score"]) == (["metadata", "score", "source", "text"], 1.0)


# --- recorded answers ---------------------------------------------------------------------------


def replayed(calls: Any, **how: Any) -> Replayed:
    return Replayed(Recording(calls, **how), filled=as_it_is)


def test_recorded__the_same_call__the_old_answer_for_nothing():
    old = {"text": "hello", "tool_calls": [], "usage": {"cost_micro": 70, "input_tokens": 3}}
    outside = replayed({("copy", 0): recorded(ASKED, old)})

    answer = ask(outside, call())

    assert answer == {**old, "usage": {"cost_micro": 0, "recorded_cost_micro": 70, "input_tokens": 3}}


def test_recorded__another_request__not_recorded():
    outside = replayed({("copy", 0): recorded({"messages": []}, {"text": "old"})})

    with pytest.raises(NotRecorded):
        ask(outside, call())


def test_recorded__another_request_on_the_same_snapshot__the_answer_of_the_same_place():
    outside = replayed({("copy", 0): recorded({"messages": ["run 1"]}, {"text": "old"})}, lenient=True)

    assert ask(outside, call())["text"] == "old"


def test_recorded__the_step_moved__found_by_its_request():
    outside = replayed({("was_here", 3): recorded(ASKED, {"text": "old"})})

    assert ask(outside, call())["text"] == "old"


def test_recorded__another_address_in_the_same_place__not_taken():
    outside = replayed({("copy", 0): recorded(ASKED, {"text": "old"})}, lenient=True)

    with pytest.raises(NotRecorded):
        ask(outside, call(address="chat/other"))


@pytest.mark.parametrize("status", ["intent", "unknown"])
def test_recorded__nobody_knows_how_it_ended__not_recorded(status):
    outside = replayed({("copy", 0): recorded(ASKED, None, status=status)})

    with pytest.raises(NotRecorded):
        ask(outside, call())


def test_recorded__it_failed_then__it_fails_again():
    error = {"code": "PROVIDERS_5001", "reason": "E_UPSTREAM_FAILED", "message": "The provider broke."}
    outside = replayed({("copy", 0): recorded(ASKED, None, status="failed", error=error)})

    with pytest.raises(RecordedFailed) as failed:
        ask(outside, call())

    assert failed.value.text() == "In the old run chat/gpt failed: The provider broke."


def test_recorded__missing_but_may_be_asked__asked_with_the_calls_own_key():
    outside = replayed({}, fill=True)

    async def do(key: str) -> Any:
        return {"text": key}

    assert ask(outside, call(no=4), do) == {"text": "key:4"}
