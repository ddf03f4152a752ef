"""Whether a payload can be run by this code: everything it names is in it, and everything in it can be parsed.

Less than the checks before publishing: a release stays fit when those become stricter.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from apps.core.errors import ApiError
from apps.core.json_schema import invalid_because
from apps.pipelines.graph import Graph, Node, parse_graph
from apps.pipelines.nodes import node_types
from apps.pipelines.parts import pipelines_named, prompts_named, tools_named
from apps.pipelines.wiring import references
from apps.prompts.inclusion import inclusion_problems
from apps.prompts.templates import parse
from apps.prompts.variables import FIELDS

Payload = Mapping[str, Any]


def unfit(payload: Payload) -> Iterator[str]:
    """Why a run of `payload` would fail, whatever its input."""
    schemas = {"/form/schema": payload["form"]["schema"]}
    schemas |= {f"/tools/{address}/input_schema": tool["input_schema"] for address, tool in payload["tools"].items()}
    yield from _unfit_schemas(schemas)
    yield from _unfit_graph("/pipeline", payload["pipeline"]["graph"], payload)
    for key, sub in payload["pipelines"].items():
        yield from _unfit_graph(f"/pipelines/{key}", sub["graph"], payload)
    for key, prompt in payload["prompts"].items():
        for field in FIELDS:
            try:
                parse(prompt[field])
            except ApiError as exc:
                yield f"/prompts/{key}/{field}: {exc.text()}"
    for problem in inclusion_problems(payload["prompts"]):
        yield f"/prompts/{problem.key}/{problem.field}: {problem.message}"


def _unfit_schemas(schemas: Mapping[str, Any]) -> Iterator[str]:
    """What input and arguments are judged by has to compile."""
    for path, schema in schemas.items():
        if reason := invalid_because(schema):
            yield f"{path}: {reason}"


def _unfit_graph(path: str, raw: Any, payload: Payload) -> Iterator[str]:
    try:
        graph = parse_graph(raw)
    except ValueError as exc:
        yield f"{path}: {exc}"
        return
    for node in graph.nodes:
        yield from (f"{path}/{node.id}: {reason}" for reason in _unfit_node(node))
    for part, name in _missing(graph, payload):
        yield f"{path}: the payload lacks {name!r} of its {part}"


def _unfit_node(node: Node) -> Iterator[str]:
    kind = node_types().get(node.type)
    if kind is None:
        yield f"unknown node type {node.type!r}"
        return
    try:
        config = kind.Config.model_validate(dict(node.config))
        references(dict(node.inputs))
        yield from (mistake.text() for _setting, mistake in kind.mistakes(config))
    except ValidationError as exc:
        yield f"config: {first_reason(exc)}"
    except ApiError as exc:
        yield exc.text()


def _missing(graph: Graph, payload: Payload) -> Iterator[tuple[str, str]]:
    known = {
        "prompts": prompts_named(graph),
        "tools": tools_named(graph),
        "pipelines": pipelines_named(graph),
    }
    for part, names in known.items():
        yield from ((part, name) for name in sorted(names - payload[part].keys()))


def first_reason(exc: ValidationError) -> str:
    """The first thing that pydantic refused, with its place."""
    error = exc.errors(include_url=False, include_input=False)[0]
    return f"/{'/'.join(map(str, error['loc']))}: {error['msg']}"
