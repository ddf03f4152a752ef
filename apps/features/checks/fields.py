"""The fields of a form or a result: who they are and where they stand. Shared by several checks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apps.core.json_schema import invalid_because

MAX_DEPTH = 10  # of fields in fields; forms of people are far below


@dataclass(frozen=True)
class Field:
    """One field: where it stands, its dotted name, what is said of it, whether it has to be there, what holds it."""

    pointer: str
    name: str
    schema: Mapping[str, Any]
    required: bool
    holder: str  # the pointer of the object or list it is in; empty at the top


def fields_of(schema: Any) -> Iterator[Field]:
    """Every field of `schema`, those of nested objects and lists after the one that holds them."""
    yield from _walk(schema, schema, "", "", 0)


def _walk(schema: Any, root: Any, pointer: str, name: str, depth: int) -> Iterator[Field]:
    if depth > MAX_DEPTH:
        return
    required = schema.get("required", [])
    for key, raw in schema.get("properties", {}).items():
        field = Field(
            f"{pointer}/properties/{escaped(key)}",
            f"{name}.{key}" if name else key,
            resolved(raw, root),
            key in required,
            pointer,
        )
        yield field
        yield from _below(field, root, depth)


def _below(field: Field, root: Any, depth: int) -> Iterator[Field]:
    yield from _walk(field.schema, root, field.pointer, field.name, depth + 1)
    items = field.schema.get("items")
    if isinstance(items, Mapping | bool):
        inner = Field(f"{field.pointer}/items", f"{field.name}[]", resolved(items, root), False, field.pointer)
        yield inner
        yield from _walk(inner.schema, root, inner.pointer, inner.name, depth + 1)


def resolved(raw: Any, root: Any) -> Mapping[str, Any]:
    """The schema that `raw` stands for: `true` says nothing, a reference within `root` is looked up."""
    for _step in range(MAX_DEPTH):
        if not isinstance(raw, Mapping):
            return {}
        reference = raw.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return raw
        raw = _target(reference, root)
    return {}


def _target(reference: str, root: Any) -> Any:
    found = root
    for part in reference[2:].split("/"):
        found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found


def escaped(name: str) -> str:
    """A name as one step of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def is_object_schema(schema: Any) -> bool:
    """Whether `schema` has the shape every form and result has."""
    fields = schema.get("properties") if isinstance(schema, dict) else None
    return bool(fields) and isinstance(fields, dict) and schema.get("type") == "object"


def is_sound(schema: Any) -> bool:
    """Whether `schema` has that shape and is valid JSON Schema, so that the other checks may look into it."""
    return is_object_schema(schema) and not invalid_because(schema)
