"""What the JSON Schema of a node type's settings says of single ones: how they are edited, and whose rule they are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from apps.pipelines.nodes.base import ConfigClass, NodeType


@dataclass(frozen=True)
class Setting:
    """One setting that is there: its dotted path and its value."""

    path: str
    value: Any


@lru_cache(maxsize=64)
def schema_of(config: ConfigClass) -> dict[str, Any]:
    """The schema of a type's settings, made once."""
    return config.model_json_schema()


@lru_cache(maxsize=256)
def _places(config: ConfigClass, widget: str) -> tuple[tuple[str, ...], ...]:
    """The paths of all settings with this `x-widget`; `*` stands for every item of a list."""
    schema = schema_of(config)
    return tuple(_walk(schema, schema, (), widget))


def _walk(schema: Any, root: Any, path: tuple[str, ...], widget: str) -> Iterator[tuple[str, ...]]:
    if len(path) > 8 or not isinstance(schema, Mapping):
        return
    schema = _resolved(schema, root)
    if schema.get("x-widget") == widget and path:
        yield path
        return
    for name, inner in schema.get("properties", {}).items():
        yield from _walk(inner, root, (*path, name), widget)
    yield from _walk(schema.get("items"), root, (*path, "*"), widget)
    for inner in schema.get("anyOf", []):
        yield from _walk(inner, root, path, widget)


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """A reference into `$defs`, with what stands beside it."""
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    found = root.get("$defs", {}).get(reference.rpartition("/")[2], {})
    return {**found, **{name: value for name, value in schema.items() if name != "$ref"}}


def settings_of(kind: NodeType, config: Mapping[str, Any], widget: str) -> Iterator[Setting]:
    """The settings with this `x-widget` that `config` has."""
    for path in _places(kind.Config, widget):
        yield from _at(config, path, ())


def _at(value: Any, path: tuple[str, ...], done: tuple[str, ...]) -> Iterator[Setting]:
    if not path:
        yield Setting(".".join(done), value)
    elif path[0] == "*" and isinstance(value, list):
        for number, item in enumerate(value):
            yield from _at(item, path[1:], (*done, str(number)))
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _at(value[path[0]], path[1:], (*done, path[0]))


def x_of(kind: NodeType, place: tuple[Any, ...], word: str) -> str:
    """What the schema of the setting at `place` (as pydantic names it) says under `word`; "" when it does not."""
    root = schema_of(kind.Config)
    schema: Any = root
    for step in place:
        inner = schema.get("items") if isinstance(step, int) else schema.get("properties", {}).get(step)
        if not isinstance(inner, Mapping):
            return ""
        schema = _resolved(inner, root)
    found = schema.get(word)
    return found if isinstance(found, str) else ""
