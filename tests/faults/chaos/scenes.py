"""What the people run: together these features have every kind of step in which a kill can strike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

PREFIX: Final = "faults-"
WORD: Final = "faults-word"  # the pipeline that others run, one model call
KEY_HEADER: Final = "Idempotency-Key"
PLACES: Final = ("each#0", "each#1", "each#2", "each#3")
NAP_SECONDS: Final = 2  # more than is slept in place: the run is let go of and woken
OUTCOME_UNKNOWN: Final = "PIPELINES_5004"


@dataclass(frozen=True)
class Answer:
    """What somebody answers when the run waits: under which path, who, and which option."""

    path: str
    option: str
    who: str = "owner"


@dataclass(frozen=True)
class Scene:
    """A feature's graph, what is answered in it, and how else than well it may end."""

    graph: Mapping[str, Any]
    answer: Answer | None = None
    may_fail_with: frozenset[str] = frozenset()
    once: Mapping[str, bool] = field(default_factory=dict)  # steps whose call has no key; whether it may be answered


def node(key: str, kind: str, config: Mapping[str, Any] | None = None, **inputs: Any) -> dict[str, Any]:
    return {"id": key, "type": kind, "config": dict(config or {}), "inputs": inputs}


def graph(nodes: list[dict[str, Any]], *ways: tuple[str, ...]) -> dict[str, Any]:
    """`ways` are source, target and maybe the condition; none are a line."""
    line = ways or tuple(zip([n["id"] for n in nodes], [n["id"] for n in nodes[1:]], strict=False))
    edges = [{"source": way[0], "target": way[1], "when": way[2] if len(way) > 2 else ""} for way in line]
    return {"nodes": nodes, "edges": edges}


def word() -> dict[str, Any]:
    """The pipeline of a map's items: one model call, told which place it has."""
    takes = {
        "type": "object",
        "required": ["text", "item"],
        "properties": {"text": {"type": "string"}, "item": {"type": "string"}, "index": {"type": "integer"}},
    }
    say = node("say", "llm_chat", text="{{ start.text }} {{ start.item }}/say")
    return graph([node("start", "start", {"schema": takes}), say, node("end", "end", text="{{ say.text }}")])


def scenes(host: str) -> dict[str, Scene]:
    """By name; calls of services go to `host`."""
    start, done = node("start", "start"), node("end", "end", text="{{ start.text }} is done")
    unknown = frozenset({OUTCOME_UNKNOWN})
    doubtful = {**_post(host, "send"), "policy": {"unknown": "ask"}}
    return {
        "models": Scene(_models()),
        "calls": Scene(
            graph([start, _post(host, "keyed", keyed=True), _post(host, "once"), done]),
            may_fail_with=unknown,
            once={"once": False},
        ),
        "doubt": Scene(graph([start, doubtful, done]), answer=Answer("send!0", "retry", "staff"), once={"send": True}),
        "each": Scene(_each(start, done)),
        "below": Scene(_below(start, done)),
        "ask": Scene(_ask(start, "PT10M"), answer=Answer("ask", "approve")),
        "late": Scene(_ask(start, "PT1S")),
    }


def _models() -> dict[str, Any]:
    """Two model calls side by side, a condition, a third call on the one way and none on the other."""
    nodes = [
        node("start", "start"),
        node("left", "llm_chat", text="{{ start.text }} left"),
        node("right", "llm_chat", text="{{ start.text }} right"),
        node("even", "condition", {"expression": "text.matches('[02468]$')"}, text="{{ start.text }}"),
        node("last", "llm_chat", text="{{ start.text }} last"),
        node("end", "end", text="{{ left.text }} {{ right.text }}"),
    ]
    ways = [("start", "left"), ("start", "right"), ("left", "even"), ("right", "even")]
    return graph(nodes, *ways, ("even", "last", "true"), ("last", "end"), ("even", "end", "false"))


def _post(host: str, key: str, *, keyed: bool = False) -> dict[str, Any]:
    config = {"method": "POST", "host": host, "path": "/effects", "body": "json"}
    body = {"run": "{{ start.text }}", "step": key}
    return node(key, "http_request", config | ({"idempotency_header": KEY_HEADER} if keyed else {}), body=body)


def _each(start: dict[str, Any], done: dict[str, Any]) -> dict[str, Any]:
    """A list is made, a pipeline run for each of its items."""
    places = node("places", "transform", {"language": "liquid", "template": {"found": list(PLACES)}})
    config = {"pipeline": WORD, "concurrency": 3}
    each = node("each", "map", config, items="{{ places.found }}", text="{{ start.text }}")
    return graph([start, places, each, done])


def _below(start: dict[str, Any], done: dict[str, Any]) -> dict[str, Any]:
    """Another pipeline, then a pause that a clock ends."""
    sub = node("sub", "sub_pipeline", {"pipeline": WORD}, text="{{ start.text }}", item="sub")
    return graph([start, sub, node("nap", "delay", {"seconds": NAP_SECONDS}), done])


def _ask(start: dict[str, Any], deadline: str) -> dict[str, Any]:
    """A question; when nobody answers it is rejected."""
    config = {"title": "Go on?", "deadline": deadline, "on_timeout": "option", "default": "reject"}
    nodes = [
        start,
        node("ask", "human_input", config),
        node("say", "llm_chat", text="{{ start.text }} say"),
        node("end", "end", text="{{ ask.option }}"),
    ]
    return graph(nodes, ("start", "ask"), ("ask", "say", "approve"), ("say", "end"), ("ask", "end", "reject"))
