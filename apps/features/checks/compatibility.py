"""What a release breaks for those who rely on the version that is live: named, field by field, with who is hurt.

Compared is what a schema says of its fields: types, offered values, limits, needed or not, nested fields included.
Not compared: `if`, `allOf` and other combinations, and references to elsewhere.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.publishing.canonical import canonical_json
from apps.core.publishing.registry import Problem
from apps.features.checks.fields import Field, fields_of, is_sound
from apps.features.checks.limits import narrowed

Schema = Mapping[str, Any]

_REMOVED = _("The field “%(field)s” is gone: callers that still send it are refused or not heard.")
_REQUIRED = _("“%(field)s” is needed now: callers that do not send it are refused.")
_TYPE = _("“%(field)s” was %(old)s and becomes %(new)s: callers that send what was right are refused.")
_ENUM = _("“%(field)s” no longer takes %(values)s: callers that send it are refused.")
_LIMIT = _("“%(field)s” takes less than before (%(limit)s: %(old)s → %(new)s): callers that send more are refused.")
_FORM_LIMIT = _("The form takes less than before (%(limit)s: %(old)s → %(new)s): callers that send more are refused.")
_OUTPUT_REMOVED = _("The result no longer has “%(field)s”: front ends and callers that read it find nothing.")
_OUTPUT_TYPE = _("“%(field)s” of the result was %(old)s and becomes %(new)s: whoever reads it may not understand it.")


def breaks(payload: dict[str, Any], live: dict[str, Any] | None) -> Iterator[Problem]:
    """Everything that worked with `live` and will not with `payload`; nothing when nothing is live."""
    if live is None:
        return
    for part, compare in _COMPARISONS.items():
        old, new = live[part]["schema"], payload[part]["schema"]
        if is_sound(old) and is_sound(new):
            for code, pointer, words in compare(old, new):
                yield Problem(code, f"/{part}/schema{pointer}", words, "break")


Break = tuple[str, str, str]


def _form_breaks(old: Schema, new: Schema) -> Iterator[Break]:
    before, after = _by_pointer(old), _by_pointer(new)
    yield from _limits("", "", old, new)
    for pointer, field in before.items():
        if pointer in after:
            yield from _field_breaks(field, after[pointer])
        elif field.holder in after:  # the loss of the object it is in is told once
            yield "E_BREAK_REMOVED", pointer, str(_REMOVED) % {"field": field.name}
    for pointer, field in after.items():
        if _is_needed(field) and not _was_needed(field, before):
            yield "E_BREAK_REQUIRED", pointer, str(_REQUIRED) % {"field": field.name}


def _field_breaks(old: Field, new: Field) -> Iterator[Break]:
    was, becomes = _types(old.schema), _types(new.schema)
    if becomes is not None and (was is None or not _accepts(becomes, was)):
        words = {"field": new.name, "old": _said(was), "new": _said(becomes)}
        yield "E_BREAK_TYPE", new.pointer, str(_TYPE) % words
        return  # its limits are those of another kind of value
    offered, left = _offered(old.schema), _offered(new.schema)
    if offered is not None and left is not None and (gone := [v for v in offered if v not in left]):
        yield "E_BREAK_ENUM", new.pointer, str(_ENUM) % {"field": new.name, "values": ", ".join(gone)}
    elif offered is None and left is not None:
        words = {"field": new.name, "limit": "enum", "old": "—", "new": ", ".join(left)}
        yield "E_BREAK_LIMIT", new.pointer, str(_LIMIT) % words
    yield from _limits(new.pointer, new.name, old.schema, new.schema)


def _limits(pointer: str, name: str, old: Schema, new: Schema) -> Iterator[Break]:
    for keyword in narrowed(old, new):
        words = {"field": name, "limit": keyword, "old": _shown(old.get(keyword)), "new": _shown(new.get(keyword))}
        yield "E_BREAK_LIMIT", f"{pointer}/{keyword}", str(_LIMIT if name else _FORM_LIMIT) % words


def _output_breaks(old: Schema, new: Schema) -> Iterator[Break]:
    before, after = _by_pointer(old), _by_pointer(new)
    for pointer, field in before.items():
        if pointer not in after:
            if field.holder in after:
                yield "E_BREAK_OUTPUT_REMOVED", pointer, str(_OUTPUT_REMOVED) % {"field": field.name}
            continue
        was, becomes = _types(field.schema), _types(after[pointer].schema)
        if was is not None and (becomes is None or not _accepts(was, becomes)):
            words = {"field": field.name, "old": _said(was), "new": _said(becomes)}
            yield "E_BREAK_OUTPUT_TYPE", pointer, str(_OUTPUT_TYPE) % words


_COMPARISONS: dict[str, Callable[[Schema, Schema], Iterator[Break]]] = {
    "form": _form_breaks,
    "output": _output_breaks,
}


def _by_pointer(schema: Schema) -> dict[str, Field]:
    """The fields by where they stand; the schema itself is the holder of those at the top."""
    return {"": Field("", "", {}, required=False, holder="")} | {field.pointer: field for field in fields_of(schema)}


def _is_needed(field: Field) -> bool:
    return field.required and "default" not in field.schema


def _was_needed(field: Field, before: Mapping[str, Field]) -> bool:
    """Whether callers had to send it before; a field of an object that is new as a whole hurts nobody by itself."""
    return _is_needed(before[field.pointer]) if field.pointer in before else field.holder not in before


def _types(schema: Schema) -> frozenset[str] | None:
    """The kinds of value it takes; None for any."""
    kind = schema.get("type")
    if isinstance(kind, str):
        return frozenset({kind})
    return frozenset(kind) if isinstance(kind, list) else None


def _accepts(wide: frozenset[str], narrow: frozenset[str]) -> bool:
    return narrow <= (wide | {"integer"} if "number" in wide else wide)


def _offered(schema: Schema) -> list[str] | None:
    """The only values it takes, as canonical text; None for any."""
    if "const" in schema:
        return [canonical_json(schema["const"])]
    if isinstance(schema.get("enum"), list):
        return [canonical_json(value) for value in schema["enum"]]
    for keyword in ("oneOf", "anyOf"):
        choices = schema.get(keyword)
        if isinstance(choices, list) and all(isinstance(c, Mapping) and "const" in c for c in choices):
            return [canonical_json(choice["const"]) for choice in choices]
    return None


def _said(types: frozenset[str] | None) -> str:
    return ", ".join(sorted(types)) if types is not None else str(_("anything"))


def _shown(value: Any) -> str:
    return "—" if value is None else canonical_json(value)
