"""The columns of a list of a feature's runs."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast, get_args

from msgspec import UNSET

from apps.features.answers import UiColumn, UiForm, UiTable

MOST = 5  # columns chosen without the operator; more do not fit beside state and time
Kind = Literal["string", "integer", "number", "boolean", "array", "object"]
Where = Literal["input", "output"]
_SCALARS = {"string", "integer", "number", "boolean"}
_OF_VALUE: dict[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def table(wanted: Any, form: UiForm, output: UiForm) -> UiTable:
    """The columns that `wanted` names, in its order; without any, short scalar fields: the form's, then the result's.

    `form` and `output` are what the reader sees: a name that is not in them is left out.
    """
    known = {"input": _fields(form), "output": _fields(output)}
    named = [name for name in wanted if isinstance(name, str)] if isinstance(wanted, list) else []
    columns = [column for name in named for column in _named(name, known)]
    return UiTable(columns or [column for column in _every(known) if _is_short(column, known)][:MOST])


def _fields(form: UiForm) -> dict[str, Mapping[str, Any]]:
    properties = form.schema.get("properties")
    found = properties.items() if isinstance(properties, Mapping) else ()
    return {name: field for name, field in found if isinstance(field, Mapping)}


def _named(name: str, known: dict[str, dict[str, Mapping[str, Any]]]) -> list[UiColumn]:
    """One column: of the form where both have the name."""
    where = next((place for place, fields in known.items() if name in fields), None)
    return [_column(name, known[where][name], cast(Where, where))] if where else []


def _every(known: dict[str, dict[str, Mapping[str, Any]]]) -> Iterator[UiColumn]:
    for where, fields in known.items():
        for name, field in fields.items():
            yield _column(name, field, cast(Where, where))


def _column(name: str, field: Mapping[str, Any], where: Where) -> UiColumn:
    title, form = field.get("title"), field.get("format")
    return UiColumn(
        key=name,
        title=title if isinstance(title, str) and title else name,
        type=_kind(field) or "string",
        where=where,
        format=form if isinstance(form, str) else UNSET,
    )


def _is_short(column: UiColumn, known: dict[str, dict[str, Mapping[str, Any]]]) -> bool:
    """Whether a cell can hold it: no file, no formatted text, nothing nested."""
    field = known[column.where][column.key]
    return _kind(field) in _SCALARS and column.format != "file" and "contentMediaType" not in field


def _kind(field: Mapping[str, Any]) -> Kind | None:
    """The type of the field's values, as far as it says or shows one."""
    said = field.get("type")
    said = next((one for one in said if one != "null"), None) if isinstance(said, list) else said
    said = said or _OF_VALUE.get(type(_example(field)))
    return cast(Kind, said) if said in get_args(Kind) else None


def _example(field: Mapping[str, Any]) -> Any:
    """A value that the field allows."""
    choices = field.get("enum")
    if isinstance(choices, list) and choices:
        return choices[0]
    options = field.get("oneOf")
    first = options[0] if isinstance(options, list) and options else field
    return first.get("const") if isinstance(first, Mapping) else None
