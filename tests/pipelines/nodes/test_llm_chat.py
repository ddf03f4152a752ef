"""Model answers, over a real connection to a server that speaks OpenAI's wire."""

import base64
import json
from typing import Any

import pytest

from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import known_names
from apps.pipelines.nodes.errors import AnswerCut, AnswerUnfit, ImageUnfit
from apps.providers.catalogue import candidates
from apps.providers.errors import UpstreamFailed, UpstreamTimeout
from tests.contract.asking import PIXEL
from tests.pipelines.nodes.context import Files, Outside, Said, mistakes
from tests.pipelines.nodes.models import Models, install, run, says
from tests.providers.builders import DONE, USAGE, ModelServer, event, words

pytestmark = pytest.mark.django_db
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "price": {"type": "number"}},
    "required": ["name", "price"],
}
CUP = {"name": "cup", "price": 5}


@pytest.fixture(autouse=True)
def _loopback(settings):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]


def test_run__text__streams_and_tells_what_it_used():
    server, said, outside = Models(says("Hello", " world")), Said(), Outside()

    result = run(server, {"temperature": 0.5}, {"system": "Be brief.", "text": "Hi"}, said=said, outside=outside)

    assert result.output == {"text": "Hello world", "model": "gpt-test", "mock": False, "degraded": False}
    assert said.deltas == ["Hello", " world"]
    assert (result.usage["input_tokens"], result.usage["output_tokens"], result.usage["cost_micro"]) == (7, 2, 11)
    assert server.bodies[0]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]
    assert [(call["kind"], call["address"], call["repeatable"]) for call in outside.calls] == [("model", "chat", True)]
    assert outside.answers[0]["usage"]["cost_micro"] == 11
    assert server.asked[0]["headers"]["Idempotency-Key"] == "task:0"


def test_run__recorded_answer__is_told_again_and_nobody_is_asked():
    recorder, server, said = Outside(), Models(says("Hello")), Said()
    first = run(server, {}, {"text": "Hi"}, outside=recorder)

    again = run(server, {}, {"text": "Hi"}, outside=Outside(known=recorder.answers), said=said)

    assert (again, said.deltas, len(server.asked)) == (first, ["Hello"], 1)


def test_run__named_model_and_developer_role__are_asked_for():
    server, outside = Models(says("Hi")), Outside()
    config = {"model": "gpt-test", "system_role": "developer", "max_tokens": 50}

    run(server, config, {"system": "Be brief.", "text": "Hi"}, outside=outside)

    assert server.bodies[0]["messages"][0]["role"] == "developer"
    assert (server.bodies[0]["max_tokens"], outside.calls[0]["address"]) == (50, "chat/gpt-test")


# --- images ---------------------------------------------------------------------------------------


def test_run__images__are_sent_as_they_are_and_recorded_as_ids(tmp_path):
    files, server, outside = Files(tmp_path), Models(says("A dot.")), Outside()
    files.add("one", base64.b64decode(PIXEL))

    run(server, {"capability": "vision"}, {"text": "What?", "images": ["one"]}, files=files, outside=outside)

    sent = server.bodies[0]["messages"][0]["content"]
    assert sent[0] == {"type": "text", "text": "What?"}
    assert sent[1]["image_url"]["url"] == f"data:image/png;base64,{PIXEL}"
    recorded = outside.calls[0]["request"]["messages"][0]["content"]
    assert recorded[1] == {"type": "file", "id": "one"}


@pytest.mark.parametrize("content", [b"no image", b"", b"\x89PNG\r\n\x1a\n" + b"x" * 10 * 1024 * 1024])
def test_run__file_that_is_no_image_or_too_large__is_refused_and_nobody_is_asked(tmp_path, content):
    files, server = Files(tmp_path), Models(says("Hi"))
    files.add("one", content)

    with pytest.raises(ImageUnfit):
        run(server, {}, {"text": "What?", "images": "one"}, files=files)

    assert server.asked == []


# --- answers in a form ----------------------------------------------------------------------------


@pytest.mark.parametrize("text", [json.dumps(CUP), f"```json\n{json.dumps(CUP)}\n```", f"  {json.dumps(CUP)}\n"])
def test_run__schema__answer_is_read_and_not_shown_while_it_comes(text):
    server, said = Models(says(text)), Said()

    result = run(server, {"schema": SCHEMA}, {"text": "Read."}, said=said)

    assert (result.output["json"], result.output["text"], said.deltas) == (CUP, text, [])
    assert server.bodies[0]["response_format"]["json_schema"]["schema"] == SCHEMA


@pytest.mark.parametrize("bad", ["Sure! Here it is.", '{"name": "cup"}', '{"name": "cup", "price": "5"}', "[" * 5_000])
def test_run__answer_does_not_fit__is_asked_for_once_more_with_what_is_wrong(bad):
    server, said = Models(says(bad), says(json.dumps(CUP))), Said()

    result = run(server, {"schema": SCHEMA}, {"text": "Read."}, said=said)

    assert result.output["json"] == CUP
    assert result.usage["rounds"] == 2
    assert (result.usage["input_tokens"], result.usage["cost_micro"]) == (14, 22)
    first, second = server.bodies[1]["messages"][-2:]
    assert (first, second["role"]) == ({"role": "assistant", "content": bad}, "user")
    assert second["content"].startswith("Your answer does not fit the JSON Schema:\n- /")
    assert [level for level, _words in said.logs] == ["warning"]


def test_run__answer_never_fits__fails_with_the_places():
    server = Models(says('{"name": 5}'))

    with pytest.raises(AnswerUnfit) as failure:
        run(server, {"schema": SCHEMA}, {"text": "Read."})

    assert {error["pointer"] for error in failure.value.details["errors"]} == {"/name", "/price"}
    assert len(server.asked) == 2


def test_run__no_repair_wanted__asks_once():
    server = Models(says("no"))

    with pytest.raises(AnswerUnfit):
        run(server, {"schema": SCHEMA, "repair": 0}, {"text": "Read."})

    assert len(server.asked) == 1


def test_run__answer_is_cut_at_the_limit_of_tokens__says_so():
    ended = event(choices=[{"delta": {}, "finish_reason": "length"}])
    server = Models([*words('{"name":', finish=False), ended, USAGE, DONE])

    with pytest.raises(AnswerCut):
        run(server, {"schema": SCHEMA}, {"text": "Read."})


# --- servers that die, hang, lie ------------------------------------------------------------------


def test_run__server_dies_in_the_middle__fails_and_keeps_nothing():
    server, said = Models(words("Hello", finish=False)), Said()
    server.cut = True

    with pytest.raises(UpstreamFailed):
        run(server, {}, {"text": "Hi"}, said=said)

    assert said.deltas == ["Hello"]


def test_run__server_hangs__is_given_up():
    server = Models([])
    server.hang = True

    with pytest.raises(UpstreamTimeout):
        run(server, {}, {"text": "Hi"})


@pytest.mark.parametrize("body", [b"<html>Hello</html>", b"{}", b'{"choices": []}', b'{"choices": [{"message": 5}]}'])
def test_run__server_lies__fails(body):
    server = ModelServer()
    server.body = body

    with pytest.raises(UpstreamFailed):
        run(server, {}, {"text": "Hi"})


# --- settings and ports ---------------------------------------------------------------------------


def test_ports__depend_on_the_settings():
    node = node_types()["llm_chat"]
    plain, whole = ({}, {"schema": SCHEMA, "tools": ["raw/echo"]})

    def names(config: Any) -> Any:
        return known_names(node.produces(node.Config.model_validate(config), {}))

    assert names(plain) == {"text", "model", "mock", "degraded"}
    assert names(whole) == {"text", "model", "mock", "degraded", "json", "tool_calls"}
    assert node.needs(whole).tools == {"raw/echo"}
    assert node.needs({"tools": [5], "capability": 7}).tools == frozenset()


def test_mistakes__tools__are_addresses_once_each():
    assert mistakes("llm_chat", {"tools": ["raw/echo", "echo", "raw/", "raw/echo"]}) == [
        ("tools.1", "E_TOOL_UNKNOWN"),
        ("tools.2", "E_TOOL_UNKNOWN"),
        ("tools.3", "E_TOOL_UNKNOWN"),
    ]


def test_worst_cost__is_the_longest_of_all_rounds():
    install("http://127.0.0.1:9/v1")
    candidates("chat")  # as whoever finds the answers does
    node = node_types()["llm_chat"]
    config = {"max_tokens": 100, "tools": ["raw/echo"], "max_rounds": 3, "schema": SCHEMA}

    def cost(config: Any, parts: Any) -> int | None:
        return node.worst_cost(node.Config.model_validate(config), parts)

    assert cost({"max_tokens": 100}, {"answers": {}}) == 8_192 + 2 * 100
    assert cost(config, {"answers": {}}) == 5 * (8_192 + 2 * 100)
    assert cost({"model": "other"}, {"answers": {}}) is None
    assert cost({}, {}) is None
