"""What goes into a step is there, is something it takes, and of a type that it takes."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError
from apps.core.form_input import field_errors
from apps.pipelines.graph import Node
from apps.pipelines.nodes.base import Schema
from apps.pipelines.output_types import Types, known_schema, known_types, types_of
from apps.pipelines.validator.problems import GraphProblem, rule
from apps.pipelines.validator.subject import Subject
from apps.pipelines.wiring import texts_in
from apps.prompts.variables import TYPES, Variable, needed_by

INPUT_MISSING = rule("E_INPUT_MISSING", _("This step needs “%(name)s”."))
INPUT_UNKNOWN = rule("E_INPUT_UNKNOWN", _("This step takes no “%(name)s”."))
ARGUMENT_UNBOUND = rule("E_ARGUMENT_UNBOUND", _("The tool needs “%(name)s”."))
ARGUMENT_UNKNOWN = rule("E_ARGUMENT_UNKNOWN", _("The tool takes no “%(name)s”."))
ARGUMENT_SCHEMA = rule("E_ARGUMENT_SCHEMA", _("“%(name)s” cannot be this value: %(why)s"))
REFERENCE_TYPE = rule("E_REFERENCE_TYPE", _("“%(name)s” has to be %(wanted)s, and is given %(given)s."))
MAP_SCALAR = rule("E_MAP_SCALAR", _("“%(name)s” has to be a list, to be run item by item; it is given %(given)s."))
MAP_SIZE = rule("E_MAP_SIZE", _("“%(name)s” may hold up to %(given)s items; more than %(max)s are refused."), "warning")
OUTPUT_UNCOVERED = rule("E_OUTPUT_UNCOVERED", _("The pipeline's end delivers no “%(name)s”."))
OUTPUT_TYPE = rule("E_OUTPUT_TYPE", _("The result wants “%(name)s” as %(wanted)s, and the end gives it %(given)s."))
VARIABLE_UNBOUND = rule("E_VARIABLE_UNBOUND", _("The prompt needs “%(name)s”, and the node gives it nothing."))
VARIABLE_MISTYPED = rule(
    "E_VARIABLE_MISTYPED", _("The prompt wants “%(name)s” as %(wanted)s, and the node gives it %(given)s.")
)


def _inputs(subject: Subject) -> Iterator[GraphProblem]:
    for node, _kind, _config in subject.sound():
        if subject.needs(node).prompts:
            continue  # what a prompt needs is told by its variables
        schema = subject.accepts(node)
        is_tool = _is_tool(subject, node, schema)
        yield from _bound(node, schema, is_tool=is_tool)
        for name, field in _fields(schema).items():
            if name in node.inputs and isinstance(field, Mapping) and not _is_file(field):
                yield from _value(subject, node, name, _with_definitions(field, schema))


def _is_tool(subject: Subject, node: Node, schema: Schema) -> bool:
    """Whether the node's inputs are the arguments of a tool."""
    tools = subject.parts.get("tools", {})
    named = [tools[address] for address in subject.needs(node).tools if address in tools]
    return any(tool["input_schema"] == schema for tool in named)


def _fields(schema: Any) -> Mapping[str, Any]:
    fields = schema.get("properties") if isinstance(schema, Mapping) else None
    return fields if isinstance(fields, Mapping) else {}


def _is_file(schema: Mapping[str, Any]) -> bool:
    """A file goes in as its id, whatever the schema says of what the tool is given."""
    return schema.get("format") == "file" or (schema.get("format") == "uri" and "contentMediaType" in schema)


def _with_definitions(field: Mapping[str, Any], root: Any) -> dict[str, Any]:
    return {**{name: root[name] for name in ("$defs", "definitions") if name in root}, **field}


def _bound(node: Node, schema: Schema, *, is_tool: bool) -> Iterator[GraphProblem]:
    missing, unknown = (ARGUMENT_UNBOUND, ARGUMENT_UNKNOWN) if is_tool else (INPUT_MISSING, INPUT_UNKNOWN)
    required = schema.get("required", [])
    for name in required if isinstance(required, list) else ():
        if name not in node.inputs:
            yield missing.at(node.id, f"inputs.{name}", name=name)
    if is_tool or schema.get("additionalProperties") is False:
        for name in node.inputs:
            if name not in _fields(schema):
                yield unknown.at(node.id, f"inputs.{name}", name=name)


def _value(subject: Subject, node: Node, name: str, schema: dict[str, Any]) -> Iterator[GraphProblem]:
    template, field = node.inputs[name], f"inputs.{name}"
    if not texts_in(template):
        for error in _misfits(schema, template):
            yield ARGUMENT_SCHEMA.at(node.id, field, name=name, why=error["message"])
        return
    given, wanted = known_types(template, subject.graph, subject.parts), types_of(schema)
    if given and wanted and not given & _and_narrower(wanted):
        words = {"name": name, "wanted": _listed(wanted), "given": _listed(given)}
        runs_each = wanted == {"array"} and bool(subject.needs(node).pipelines)
        yield (MAP_SCALAR if runs_each else REFERENCE_TYPE).at(node.id, field, **words)
    elif isinstance(most := schema.get("maxItems"), int):
        source = known_schema(template, subject.graph, subject.parts)
        count = source.get("maxItems") if isinstance(source, Mapping) else None
        if isinstance(count, int) and count > most:
            yield MAP_SIZE.at(node.id, field, name=name, given=count, max=most)


def _misfits(schema: dict[str, Any], value: Any) -> list[dict[str, str]]:
    """The first reason; none by a schema that is none, which is its owner's affair."""
    try:
        return field_errors(schema, value)[:1]
    except (ValueError, TypeError):
        return []


def _and_narrower(wanted: Types) -> Types:
    return wanted | {"integer"} if "number" in wanted else wanted


def _listed(types: Types) -> str:
    return " / ".join(sorted(types))


def _outputs(subject: Subject) -> Iterator[GraphProblem]:
    """The end delivers what the feature's result promises."""
    schema = subject.parts.get("output")
    end = subject.graph.of_type("end")[0]
    for name, field in _fields(schema).items() if _is_object(schema) else ():
        if name not in end.inputs:
            yield OUTPUT_UNCOVERED.at(end.id, f"inputs.{name}", name=name)
            continue
        given, wanted = known_types(end.inputs[name], subject.graph, subject.parts), types_of(field)
        if given and wanted and not _is_file(field) and not given & _and_narrower(wanted):
            yield OUTPUT_TYPE.at(end.id, f"inputs.{name}", name=name, wanted=_listed(wanted), given=_listed(given))


def _is_object(schema: Any) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "object"


def _prompts(subject: Subject) -> Iterator[GraphProblem]:
    """Nodes give prompts what they, and what these include, cannot do without."""
    prompts = subject.parts.get("prompts", {})
    needed: dict[str, list[Variable]] = {}
    for node in subject.graph.nodes:
        for key in sorted(subject.needs(node).prompts & prompts.keys()):
            if key not in needed:
                needed[key] = _needed(prompts, key)
            for variable in needed[key]:
                yield from _variable(subject, node, variable)


def _needed(prompts: Mapping[str, Any], key: str) -> list[Variable]:
    """What the prompt has to be given; nothing for a text that cannot be read, which is told where it stands."""
    try:
        return needed_by(prompts[key], prompts)
    except (ApiError, KeyError):
        return []


def _variable(subject: Subject, node: Node, variable: Variable) -> Iterator[GraphProblem]:
    name, kind, field = variable["name"], variable.get("type"), f"inputs.{variable['name']}"
    if name not in node.inputs:
        if variable.get("required", True) and "default" not in variable:
            yield VARIABLE_UNBOUND.at(node.id, field, name=name)
        return
    if not isinstance(kind, str) or kind not in TYPES:
        return
    given = known_types(node.inputs[name], subject.graph, subject.parts)
    if given and not given & _and_narrower(frozenset({kind})):
        yield VARIABLE_MISTYPED.at(node.id, field, name=name, wanted=kind, given=_listed(given))


CHECKS = (_inputs, _outputs, _prompts)
