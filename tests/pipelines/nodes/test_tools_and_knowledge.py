"""Tools, pictures and look-ups."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from apps.mcp.errors import ServerUnreachable, ToolChanged, ToolFailed, ToolTimeout, ToolUnknown
from apps.mcp.sessions import pool
from apps.pipelines import retrieval
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import NodeResult
from apps.pipelines.nodes.errors import RetrievalUnfit, RetrieverMissing
from apps.pipelines.nodes.examples import parts as example_parts
from apps.pipelines.retrieval import Found
from apps.providers.gateway import Caller
from tests.mcp.builders import allow, make_server
from tests.mcp.raw_server import Script, a_tool
from tests.pipelines.nodes.context import Files, Outside, arun

ECHO = {"server": "raw", "tool": "echo"}


def run(kind: str, config: dict[str, Any], inputs: dict[str, Any], **fields: Any) -> NodeResult:
    async def work() -> NodeResult:
        try:
            return await arun(kind, config, inputs, **fields)
        finally:
            await pool().close()

    return async_to_sync(work)()


@pytest.fixture
def parts(script: Script) -> dict[str, Any]:
    """A release with the tool `raw/echo`."""
    return {"tools": {"raw/echo": allow(make_server(script.port, timeout_seconds=1))}}


@pytest.mark.django_db
def test_mcp_tool__answers__is_recorded_and_not_called_again(script, parts):
    recorder = Outside()

    first = run("mcp_tool", ECHO, {"text": "a"}, parts=parts, outside=recorder)
    again = run("mcp_tool", ECHO, {"text": "a"}, parts=parts, outside=Outside(known=recorder.answers))

    assert (first.output, again.output, len(script.calls)) == ({"said": "a"}, {"said": "a"}, 1)
    assert recorder.calls == [
        {"kind": "tool", "address": "raw/echo", "request": {"arguments": {"text": "a"}}, "repeatable": False}
    ]


@pytest.mark.django_db
def test_mcp_tool__operator_and_server_call_it_repeatable__outside_hears_of_it(script):
    script.tools = lambda: [a_tool(annotations={"readOnlyHint": True, "idempotentHint": True})]
    outside = Outside()
    parts = {"tools": {"raw/echo": allow(make_server(script.port), repeatable=True)}}

    run("mcp_tool", ECHO, {"text": "a"}, parts=parts, outside=outside)

    assert outside.calls[0]["repeatable"] is True


@pytest.mark.django_db
def test_mcp_tool__files__go_in_and_come_out_as_ids(script, tmp_path, settings):
    picture = {"type": "string", "format": "uri", "contentMediaType": "image/*"}
    made = {"type": "object", "properties": {"uri": picture, "mime": {"type": "string"}}}
    schema = {"type": "object", "properties": {"text": picture}, "required": ["text"]}
    script.tools = lambda: [a_tool(inputSchema=schema, outputSchema={"type": "object", "properties": {"image": made}})]
    (tmp_path / "out.png").write_bytes(b"\x89PNG")
    result = {"image": {"uri": (tmp_path / "out.png").as_uri(), "mime": "image/png"}}
    script.call = lambda message: {"content": [], "structuredContent": result}
    files, outside = Files(tmp_path), Outside()
    files.add("mine", b"\x89PNG in")
    parts = {"tools": {"raw/echo": allow(make_server(script.port))}}

    output = run("mcp_tool", ECHO, {"text": "mine"}, parts=parts, files=files, outside=outside).output

    assert output == {"image": "kept-1"}
    assert script.calls[0]["arguments"]["text"] == (tmp_path / "mine").as_uri()
    assert outside.calls[0]["request"] == {"arguments": {"text": "mine"}}
    assert files.kept == [("echo", "image/png", b"\x89PNG")]


async def _never(message: Any) -> Any:
    await asyncio.sleep(30)


@pytest.mark.django_db
def test_mcp_tool__hangs__is_given_up_with_an_unknown_outcome(script, parts):
    script.call = _never

    with pytest.raises(ToolTimeout) as failure:
        run("mcp_tool", ECHO, {"text": "a"}, parts=parts)

    assert failure.value.details["outcome"] == "unknown"
    assert len(script.calls) == 1


@pytest.mark.django_db
def test_mcp_tool__fails__in_the_tools_own_words(script, parts):
    script.call = lambda message: {"isError": True, "content": [{"type": "text", "text": "No such order."}]}

    with pytest.raises(ToolFailed, match=r"No such order\."):
        run("mcp_tool", ECHO, {"text": "a"}, parts=parts)


@pytest.mark.django_db
def test_mcp_tool__changed_since_it_was_approved__is_not_called(script, parts):
    script.tools = lambda: [a_tool(description="Sends everything away.")]

    with pytest.raises(ToolChanged):
        run("mcp_tool", ECHO, {"text": "a"}, parts=parts)

    assert script.calls == []


def test_mcp_tool__the_release_has_it_not__is_refused():
    outside = Outside()

    with pytest.raises(ToolUnknown):
        run("mcp_tool", ECHO, {"text": "a"}, outside=outside)

    assert outside.calls == []


@pytest.mark.django_db
def test_mcp_tool__server_is_gone__is_told(local):
    parts = {"tools": {"raw/echo": {"input_schema": {}, "output_schema": {}, "sha256": "x"}}}

    with pytest.raises(ServerUnreachable):
        run("mcp_tool", ECHO, {"text": "a"}, parts=parts)


# --- pictures -------------------------------------------------------------------------------------


def test_image__ports__are_those_of_the_tool():
    node = node_types()["image"]
    config = node.Config.model_validate({"operation": "pad"})

    assert node.accepts(config, example_parts())["required"] == ["image", "width", "height"]
    assert node.accepts(config, {})["required"] == ["image"]
    assert node.needs({"operation": "pad"}).tools == {"image-tools/pad"}
    assert node.needs({"operation": "explode"}).tools == frozenset()


@pytest.mark.parametrize("operation", ["", "explode", "../cut_out", None])
def test_image__unknown_operation__is_no_configuration(operation):
    with pytest.raises(ValueError, match="operation"):
        node_types()["image"].Config.model_validate({"operation": operation})


# --- knowledge ------------------------------------------------------------------------------------


class Shelf:
    """A knowledge base of the test."""

    def __init__(self, *found: Found) -> None:
        self.found = found
        self.asked: list[tuple[Any, ...]] = []

    async def retrieve(self, base: str, query: str, *, top_k: int, filters: Any, caller: Caller) -> Any:
        self.asked.append((base, query, top_k, dict(filters), caller.user_id))
        return self.found


@pytest.fixture
def _nothing_kept():
    yield
    retrieval.forget()


PASSAGES = (Found("Turn it off.", 0.9, "manual.pdf#3", {"page": 3}), Found("Read on.", 0.2, "manual.pdf#9"))


@pytest.mark.usefixtures("_nothing_kept")
def test_kb_retrieve__passages__are_those_that_fit_well_enough():
    shelf, outside = Shelf(*PASSAGES), Outside()
    retrieval.register(shelf)
    config = {"base": "manual", "top_k": 3, "filters": {"language": "en"}, "min_score": 0.5}

    result = run("kb_retrieve", config, {"query": "How?"}, caller=Caller(user_id=7), outside=outside)

    best = {"text": "Turn it off.", "score": 0.9, "source": "manual.pdf#3", "metadata": {"page": 3}}
    assert result.output == {"contexts": [best], "text": "Turn it off."}
    assert shelf.asked == [("manual", "How?", 3, {"language": "en"}, 7)]
    assert (outside.calls[0]["kind"], outside.calls[0]["address"], outside.calls[0]["repeatable"]) == (
        "retrieve",
        "manual",
        True,
    )


def test_kb_retrieve__no_knowledge_here__says_so():
    assert not retrieval.is_there()
    with pytest.raises(RetrieverMissing):
        run("kb_retrieve", {"base": "manual"}, {"query": "How?"})


def test_kb_retrieve__recorded_answer__needs_no_knowledge():
    known = [{"contexts": [{"text": "a", "score": 1, "source": "s", "metadata": {}}]}]

    assert run("kb_retrieve", {"base": "manual"}, {"query": "?"}, outside=Outside(known=known)).output["text"] == "a"


@pytest.mark.usefixtures("_nothing_kept")
@pytest.mark.parametrize("passage", [Found(5, 1, "s"), Found("a", float("nan"), "s")])  # type: ignore[arg-type]
def test_kb_retrieve__lies__is_refused(passage):
    retrieval.register(Shelf(passage))

    with pytest.raises(RetrievalUnfit):
        run("kb_retrieve", {"base": "manual"}, {"query": "How?"})


# --- prompts --------------------------------------------------------------------------------------


def test_prompt__fills_its_variables():
    result = run("prompt", {"prompt": "greeting"}, {"name": "Zoë"}, parts=example_parts())

    assert result.output == {"system": "", "text": "Greet Zoë."}


def test_prompt__long_values__are_filled_beside_the_loop():
    result = run("prompt", {"prompt": "greeting"}, {"name": "x" * 100_000}, parts=example_parts())

    assert result.output["text"] == f"Greet {'x' * 100_000}."
