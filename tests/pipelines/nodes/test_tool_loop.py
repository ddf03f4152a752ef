"""A model that calls tools: a server that speaks OpenAI's wire, and a tool server over HTTP."""

import asyncio
import json

import pytest

from apps.mcp.errors import ToolTimeout, ToolUnknown
from apps.pipelines.nodes.errors import ToolsExhausted
from tests.mcp.builders import allow, make_server
from tests.mcp.raw_server import a_tool
from tests.pipelines.nodes.context import Files, Outside, Said
from tests.pipelines.nodes.models import Models, calls, run, says

pytestmark = pytest.mark.django_db
TOOLS = {"tools": ["raw/echo"]}


@pytest.fixture
def parts(script):
    """A release with the tool `raw/echo`."""
    return {"tools": {"raw/echo": allow(make_server(script.port)) | {"description": "Says it again."}}}


def test_run__model_calls_a_tool__is_told_the_result_and_answers(script, parts):
    server = Models(calls(("raw__echo", {"text": "a"}), text="Let me see."), says("It said a."))
    outside, said = Outside(), Said()

    result = run(server, TOOLS, {"text": "Ask."}, parts=parts, outside=outside, said=said)

    assert result.output["text"] == "It said a."
    assert result.output["tool_calls"] == [
        {"tool": "raw/echo", "arguments": {"text": "a"}, "result": {"said": "a"}, "error": ""}
    ]
    described = server.bodies[0]["tools"][0]["function"]
    assert (described["name"], described["description"]) == ("raw__echo", "Says it again.")
    assert server.bodies[1]["messages"][-1] == {
        "role": "tool",
        "tool_call_id": "call-0",
        "content": '{"said": "a"}',
    }
    assert [(call["kind"], call["address"]) for call in outside.calls] == [
        ("model", "chat"),
        ("tool", "raw/echo"),
        ("model", "chat"),
    ]
    assert result.usage["rounds"] == 2


def test_run__resumed_after_the_tool__calls_neither_again(script, parts):
    server = Models(calls(("raw__echo", {"text": "a"})), says("It said a."))
    recorder = Outside()
    first = run(server, TOOLS, {"text": "Ask."}, parts=parts, outside=recorder)

    again = run(
        Models(says("It said a.")), TOOLS, {"text": "Ask."}, parts=parts, outside=Outside(known=recorder.answers[:2])
    )

    assert again.output == first.output
    assert len(script.calls) == 1


def test_run__several_calls_in_one_round__are_made_in_their_order(script, parts):
    server = Models(calls(("raw__echo", {"text": "a"}), ("raw__echo", {"text": "b"})), says("Both."))

    result = run(server, TOOLS, {"text": "Ask."}, parts=parts)

    assert [call["arguments"]["text"] for call in script.calls] == ["a", "b"]
    assert [call["result"] for call in result.output["tool_calls"]] == [{"said": "a"}, {"said": "b"}]


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("raw__delete", {"text": "a"}, "There is no tool"),
        ("raw/echo", {"text": "a"}, "There is no tool"),
        ("raw__echo", "no json", "no JSON object"),
        ("raw__echo", "[1]", "no JSON object"),
        ("raw__echo", {"word": "a"}, "does not accept"),
    ],
)
def test_run__model_calls_what_it_may_not__is_told_and_nothing_is_called(script, parts, name, given, words):
    server = Models(calls((name, given)), says("Then not."))

    result = run(server, TOOLS, {"text": "Ask."}, parts=parts)

    assert result.output["text"] == "Then not."
    assert words in result.output["tool_calls"][0]["error"]
    assert words in json.loads(server.bodies[1]["messages"][-1]["content"])["error"]
    assert script.calls == []


def test_run__tool_fails__the_model_is_told_in_the_tools_words(script, parts):
    script.call = lambda message: {"isError": True, "content": [{"type": "text", "text": "No such order."}]}
    server, recorder = Models(calls(("raw__echo", {"text": "a"})), says("There is none.")), Outside()

    result = run(server, TOOLS, {"text": "Ask."}, parts=parts, outside=recorder)
    again = run(server, TOOLS, {"text": "Ask."}, parts=parts, outside=Outside(known=recorder.answers))

    assert result.output["tool_calls"][0]["error"].endswith("No such order.")
    assert (again, len(script.calls)) == (result, 1)


def test_run__more_calls_than_allowed__are_not_made(script, parts):
    server = Models(calls(*[("raw__echo", {"text": str(n)}) for n in range(4)]), says("Enough."))

    result = run(server, {**TOOLS, "max_calls": 2}, {"text": "Ask."}, parts=parts)

    assert [call["arguments"]["text"] for call in script.calls] == ["0", "1"]
    assert ["No more calls" in call["error"] for call in result.output["tool_calls"]] == [False, False, True, True]


def test_run__rounds_are_over__the_model_has_to_answer(script, parts):
    call = calls(("raw__echo", {"text": "a"}))
    server = Models(call, call, says("All I know."))

    result = run(server, {**TOOLS, "max_rounds": 2}, {"text": "Ask."}, parts=parts)

    assert result.output["text"] == "All I know."
    assert [body["tool_choice"] for body in server.bodies] == ["auto", "auto", "none"]


def test_run__model_never_stops_calling__fails_after_the_last_round(script, parts):
    server = Models(calls(("raw__echo", {"text": "a"})))

    with pytest.raises(ToolsExhausted):
        run(server, {**TOOLS, "max_rounds": 3}, {"text": "Ask."}, parts=parts)

    assert (len(server.asked), len(script.calls)) == (4, 3)


def test_run__tool_hangs__is_given_up_and_its_outcome_is_not_known(script, parts):
    async def never(message):
        await asyncio.sleep(30)

    script.call = never
    server = Models(calls(("raw__echo", {"text": "a"})), says("Hm."))

    with pytest.raises(ToolTimeout) as failure:
        run(server, {**TOOLS, "tool_timeout": 1}, {"text": "Ask."}, parts=parts)

    assert failure.value.details["outcome"] == "unknown"


def test_run__tool_the_release_has_not__is_refused_before_anybody_is_asked(script, parts):
    server = Models(says("Hi"))

    with pytest.raises(ToolUnknown):
        run(server, {"tools": ["raw/echo", "raw/other"]}, {"text": "Ask."}, parts=parts)

    assert server.asked == []


def test_run__model_names_a_file_of_somebody_else__gets_none(script, tmp_path):
    picture = {"type": "string", "format": "uri", "contentMediaType": "image/*"}
    schema = {"type": "object", "properties": {"text": picture}, "required": ["text"]}
    script.tools = lambda: [a_tool(inputSchema=schema)]
    files = Files(tmp_path)
    files.add("mine", b"\x89PNG\r\n\x1a\n")
    parts = {"tools": {"raw/echo": allow(make_server(script.port))}}
    server = Models(
        calls(("raw__echo", {"text": "theirs"}), ("raw__echo", {"text": "mine"})),
        says("Done."),
    )

    result = run(server, TOOLS, {"text": "Look.", "images": ["mine"]}, parts=parts, files=files)

    assert files.fetched == ["mine", "mine", "mine"]  # shown in both rounds, and called with once
    assert ["no file that this step" in call["error"] for call in result.output["tool_calls"]] == [True, False]
    assert "[image 1: mine]" in server.bodies[0]["messages"][0]["content"][0]["text"]


def test_run__tools_and_a_form__answers_in_the_form_after_the_tools(script, parts):
    schema = {"type": "object", "properties": {"said": {"type": "string"}}, "required": ["said"]}
    server = Models(calls(("raw__echo", {"text": "a"})), says("a!"), says('{"said": "a"}'))

    result = run(server, {**TOOLS, "schema": schema}, {"text": "Ask."}, parts=parts)

    assert result.output["json"] == {"said": "a"}
    assert server.bodies[2]["tool_choice"] == "none"
