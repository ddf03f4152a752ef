"""The JSON of a graph: what may stand in it, and what of it can be read when something else does."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _

from apps.core.form_input import field_errors
from apps.core.json_schema import validator

MAX_TOLD = 50  # mistakes of shape; more help nobody
MAX_DEPTH: Final = 100  # Python gives up at a thousand calls, of which each level may take several

_TEXT: Final = {"type": "string"}
_OBJECT: Final = {"type": "object"}
_WORDS: Final = {"type": ["string", "object"], "additionalProperties": _TEXT}


def _exactly(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


_POLICY: Final = _exactly(
    timeout={"type": "number", "exclusiveMinimum": 0, "maximum": 86_400},
    retries={"type": "integer", "minimum": 0, "maximum": 10},
    backoff={"type": "number", "minimum": 0, "maximum": 60},
    on_error={"enum": ["fail", "continue", "fallback"]},
    fallback=_OBJECT,
    unknown={"enum": ["retry", "ask", "fail"]},
    join={"enum": ["all", "any"]},
)
_NODE: Final = _exactly(
    ("id", "type"),
    id=_TEXT,
    type=_TEXT,
    title=_WORDS,
    config=_OBJECT,
    inputs=_OBJECT,
    policy=_POLICY,
    note={"type": "string", "maxLength": 2_000},
)
_EDGE: Final = _exactly(("source", "target"), source=_TEXT, target=_TEXT, when=_TEXT)
_VARIABLE: Final = _exactly(("name", "schema"), name=_TEXT, schema=_OBJECT, value={}, title=_WORDS)
_COUNT: Final = {"type": "integer", "minimum": 1}
SHAPE: Final = _exactly(
    schema={"enum": [1, 2]},
    variables={"type": "array", "items": _VARIABLE},
    limits=_exactly(seconds=_COUNT, cost_micro={"type": "integer", "minimum": 0}, steps=_COUNT),
    nodes={"type": "array", "items": _NODE},
    edges={"type": "array", "items": _EDGE},
)
# What meant something before there was a second version of the shape; the rest was passed over in silence.
_FIRST: Final = {
    "nodes": ("id", "type", "title", "config", "inputs"),
    "edges": ("source", "target", "when"),
}


class Misshapen(NamedTuple):
    """One thing that is not as it has to be: where (a JSON pointer), which node that is, and words."""

    pointer: str
    node: str
    message: str


def misshapen(raw: Any) -> list[Misshapen]:
    """What keeps `raw` from being a graph; nothing, when it is one."""
    if is_too_deep(raw):
        return [Misshapen("", "", _("Something in it is nested more than %(max)s deep.") % {"max": MAX_DEPTH})]
    if _fits(raw):
        return []
    found = field_errors(SHAPE, raw)[:MAX_TOLD]
    return [Misshapen(one["pointer"], _node_at(raw, one["pointer"]), one["message"]) for one in found]


def is_too_deep(value: Any) -> bool:
    """Whether walking it could fail. Looked at level by level, so that no depth can hurt."""
    level = [value]
    for _step in range(MAX_DEPTH):
        level = [inner for one in level if isinstance(one, dict | list) for inner in _inside(one)]
        if not level:
            return False
    return True


def _inside(value: "dict[Any, Any] | list[Any]") -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _fits(raw: Any) -> bool:
    return bool(validator(SHAPE).is_valid(raw))


def _node_at(raw: Any, pointer: str) -> str:
    """The id of the node that `pointer` leads into."""
    steps = pointer.split("/")
    if len(steps) < 3 or steps[1] != "nodes" or not steps[2].isdecimal():
        return ""
    node = raw["nodes"][int(steps[2])]
    node_id = node.get("id") if isinstance(node, Mapping) else None
    return node_id if isinstance(node_id, str) else ""


def readable(raw: Any) -> Any:
    """`raw` without what does not belong in a graph, so that a draft with a slip in it still says what it names."""
    if is_too_deep(raw):
        return {}
    return raw if _fits(raw) else _kept(raw, SHAPE)


def _kept(value: Any, schema: Any) -> Any:
    if isinstance(value, list) and "items" in schema:
        return [_kept(one, schema["items"]) for one in value]
    if not isinstance(value, Mapping) or schema.get("additionalProperties") is not False:
        return value
    kept = {name: _kept(value[name], inner) for name, inner in schema["properties"].items() if name in value}
    return {name: one for name, one in kept.items() if name in schema["required"] or _fits_in(one, schema, name)}


def _fits_in(value: Any, schema: Mapping[str, Any], name: str) -> bool:
    inner = schema["properties"][name]
    return "items" in inner or bool(validator(inner).is_valid(value))


def first_version(raw: Any) -> Any:
    """A graph of the first version with what meant something then, so that nothing else gets a meaning today."""
    if not isinstance(raw, Mapping):
        return raw
    return {part: _each(raw[part], names) for part, names in _FIRST.items() if part in raw}


def _each(rows: Any, names: tuple[str, ...]) -> Any:
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        return rows
    return [{name: row[name] for name in names if name in row and not _is_odd_title(name, row[name])} for row in rows]


def _is_odd_title(name: str, value: Any) -> bool:
    """A title could be anything once, and was shown only when it was one of these."""
    return name == "title" and not validator(_WORDS).is_valid(value)
