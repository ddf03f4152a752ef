"""Which limits of a field leave less room than before."""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_CEILINGS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_FLOORS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_COUNTS = frozenset({"minLength", "minItems", "minProperties"})  # zero limits nothing
_FORMS = ("pattern", "format", "contentMediaType", "multipleOf")


def narrowed(old: Schema, new: Schema) -> Iterator[str]:
    """The keywords of `new` that refuse something which those of `old` let through."""
    for keyword in _CEILINGS:
        if keyword in new and (keyword not in old or new[keyword] < old[keyword]):
            yield keyword
    for keyword in _FLOORS:
        if keyword in new and _is_higher(keyword, old, new):
            yield keyword
    for keyword in _FORMS:
        if keyword in new and not _still_allows(keyword, old.get(keyword), new[keyword]):
            yield keyword
    if new.get("uniqueItems") is True and old.get("uniqueItems") is not True:
        yield "uniqueItems"
    if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
        yield "additionalProperties"
    if _names(new) and not (_names(old) and _names(old) <= _names(new)):
        yield "x-roles"


def _is_higher(keyword: str, old: Schema, new: Schema) -> bool:
    before = old.get(keyword, 0 if keyword in _COUNTS else None)
    return before is None or new[keyword] > before


def _still_allows(keyword: str, old: Any, new: Any) -> bool:
    if old is None or old == new:
        return old is not None
    if keyword == "multipleOf":
        return bool(old % new == 0)
    if keyword == "contentMediaType":
        return str(new) == "*/*" or (str(new).endswith("/*") and str(old).startswith(str(new)[:-1]))
    return False


def _names(schema: Schema) -> set[str]:
    roles = schema.get("x-roles")
    return {name for name in roles if isinstance(name, str)} if isinstance(roles, list) else set()
