"""The examples, run by the real engine: what nodes ask outside is answered by a recording."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from apps.pipelines.engine.ports import Call, Do, Paused
from apps.pipelines.engine.run import Run, execute
from apps.pipelines.graph import parse_graph
from apps.pipelines.nodes.base import Answer
from apps.pipelines.nodes.examples import example, parts
from tests.pipelines.builders import Checkpoints, Sink

MODEL = {
    "tool_calls": [],
    "finish": "stop",
    "model": "m",
    "endpoint": "e",
    "mock": True,
    "degraded": False,
    "attempts": [],
    "usage": {"input_tokens": 1, "output_tokens": 1, "cached_tokens": 0, "estimated": False, "cost_micro": 3},
}
pytestmark = pytest.mark.django_db  # whether a tool may be called twice stands in the catalogue
ANSWERS: Mapping[str, Any] = {
    "model": {**MODEL, "text": '{"name": "cup", "price": 5}'},
    "tool": {"image": "file-2"},
    "http": {"status": 201, "headers": {}, "json": {"id": 7}, "text": "", "file": ""},
    "retrieve": {"contexts": [{"text": "Turn it off.", "score": 0.9, "source": "m#3", "metadata": {}}]},
}
SAID = ANSWERS["model"]["text"]


async def recorded(call: Call, do: Do) -> Any:
    return ANSWERS[call.kind]


def make_run(kind: str, given: dict[str, Any], journal: Checkpoints, **fields: Any) -> Run:
    run = Run(
        key="task-1",
        graph=parse_graph(example(kind)),
        input=given,
        parts=parts(),
        files=None,  # type: ignore[arg-type]  # recorded answers touch none
        journal=journal,
        sink=Sink(),
        through=recorded,
    )
    return replace(run, **fields)


@pytest.mark.parametrize(
    ("kind", "given", "output"),
    [
        ("start", {"name": "Zoë"}, {"text": "Hello, Zoë."}),
        ("end", {"name": "Zoë"}, {"name": "Zoë", "text": "Hello, Zoë."}),
        ("prompt", {"name": "Zoë"}, {"text": "Greet Zoë."}),
        ("llm_chat", {"text": "A cup, 5"}, {"name": "cup", "price": 5}),
        ("condition", {"text": "x" * 300}, {"long": True}),
        ("switch", {"kind": "other", "sum": 500.0}, {"which": "large"}),
        (
            "transform",
            {"items": [{"name": "lamp", "price": 500}], "shop": "ours"},
            {"subject": "OURS", "lines": ["1 articles", {"dear": ["lamp"]}]},
        ),
        ("map", {"words": ["a", "b"], "tone": "warm"}, {"texts": [{"text": SAID}, {"text": SAID}], "failed": []}),
        ("sub_pipeline", {"word": "a"}, {"text": SAID}),
        ("mcp_tool", {"photo": "file-1"}, {"image": "file-2"}),
        ("image", {"photo": "file-1"}, {"image": "file-2"}),
        ("http_request", {"id": "5", "note": "n"}, {"status": 201, "answer": {"id": 7}}),
    ],
)
def test_execute__example__gives_what_it_says(settings, kind, given, output):
    settings.PIPELINE_HOSTS = ["api.example.com"]

    assert async_to_sync(execute)(make_run(kind, given, Checkpoints())) == output


def test_execute__look_up__hands_the_passages_on():
    output = async_to_sync(execute)(make_run("kb_retrieve", {"question": "How?"}, Checkpoints()))

    assert [one["source"] for one in output["sources"]] == ["m#3"]


def test_execute__recorded_model_answer__is_told_once():
    run = make_run("sub_pipeline", {"word": "a"}, Checkpoints())

    async_to_sync(execute)(run)

    assert [text for _path, text in run.sink.shown] == [SAID]  # type: ignore[attr-defined]


def test_execute__question__waits_and_goes_on_with_the_answer():
    journal = Checkpoints()
    with pytest.raises(Paused):
        async_to_sync(execute)(make_run("human_input", {"text": "Hello"}, journal))
    answer = Answer({"text": "Better"}, "approve", "7", datetime(2026, 1, 1, tzinfo=UTC))

    journal.left = {"questions": {"check": answer}}
    output = async_to_sync(execute)(make_run("human_input", {"text": "Hello"}, journal))

    assert output == {"text": "Better", "option": "approve"}


def test_execute__delay__sleeps_and_goes_on_when_it_is_time():
    journal = Checkpoints()
    with pytest.raises(Paused):
        async_to_sync(execute)(make_run("delay", {"name": "Zoë"}, journal))

    journal.left = {"sleeping": {"wait": datetime(2026, 1, 1, tzinfo=UTC)}}
    output = async_to_sync(execute)(make_run("delay", {"name": "Zoë"}, journal))

    assert output == {"text": "Zoë, a day has passed."}
