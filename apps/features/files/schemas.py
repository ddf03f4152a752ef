"""The shape of each kind of file, as JSON Schema: every field is written out, and none is unknown.

What is inside a form, a graph or a template is checked when it is published; a draft may be unfinished.
"""

from typing import Any

from apps.features.models import ICONS
from apps.pipelines.layout import LAYOUT
from apps.pipelines.models import ADDRESSES
from apps.pipelines.services.cases import MAX_CASES

FORMAT = 1  # of the whole folder, in paiban.yaml
LARGEST_INTEGER = 2_147_483_647  # of the databases' integer columns

KEY = {"type": "string", "maxLength": 64, "pattern": "^[a-zA-Z0-9_-]+$"}
_FEATURE_KEY = {"type": "string", "maxLength": 64, "pattern": "^[a-z0-9][a-z0-9-]*$"}
_OBJECT = {"type": "object"}
_NUMBER = {"type": "integer", "minimum": -LARGEST_INTEGER, "maximum": LARGEST_INTEGER}
_NAMES = {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True}


def _text(longest: int, *, shortest: int = 0) -> dict[str, Any]:
    return {"type": "string", "minLength": shortest, "maxLength": longest}


def _all_of(**fields: Any) -> dict[str, Any]:
    """An object with exactly these fields."""
    return {"type": "object", "required": list(fields), "additionalProperties": False, "properties": fields}


def _words(longest: int, *, shortest: int = 0) -> dict[str, Any]:
    return _all_of(**{"en": _text(longest, shortest=shortest), "zh-hans": _text(longest)})


ROOT = _all_of(format={"const": FORMAT})
MENU = _all_of(key=KEY, title=_words(80, shortest=1), order=_NUMBER)
PIPELINE = _all_of(key={**KEY, "not": {"enum": list(ADDRESSES)}}, name=_text(120, shortest=1), graph=_OBJECT)
# A file may leave these out: then the draft keeps what it has.
PIPELINE["properties"] |= {
    "layout": LAYOUT,
    "cases": {
        "type": "array",
        "maxItems": MAX_CASES,
        "items": _all_of(
            name=_text(120, shortest=1),
            input=_OBJECT,
            pins={"type": "object", "additionalProperties": _text(120, shortest=1)},
            mocks={"type": "object", "additionalProperties": _OBJECT},
            checks={"type": "array"},
            gated={"type": "boolean"},
        ),
    },
}
PROMPT = _all_of(
    key=KEY,
    name=_text(120, shortest=1),
    system={"type": "string"},
    body={"type": "string"},
    variables={"type": "array"},
)
_LIMIT = {"type": ["integer", "null"], "minimum": 0}
_LABELLED = _all_of(note=_text(500), system={"type": "string"}, body={"type": "string"}, variables={"type": "array"})
# What a file may leave out: then the draft keeps what it has.
PROMPT["properties"] |= {
    "model_defaults": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "model": _text(200),
            "temperature": {"type": "number", "minimum": 0, "maximum": 2},
            "max_tokens": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
        },
    },
    "gate": _all_of(
        share={"type": "integer", "minimum": 0, "maximum": 100},
        p95_ms={**_LIMIT, "maximum": LARGEST_INTEGER},
        cost_micro={**_LIMIT, "maximum": 10**15},
    ),
    "labels": {
        "type": "object",
        "propertyNames": {"pattern": "^(?!draft$)[a-z][a-z0-9_-]{0,39}$"},
        "additionalProperties": _LABELLED,
    },
    "cases": {
        "type": "array",
        "maxItems": 50,
        "items": _all_of(
            name=_text(120, shortest=1), values=_OBJECT, checks={"type": "array"}, gated={"type": "boolean"}
        ),
    },
}
_REQUIRES = _all_of(
    capabilities=_NAMES,
    models=_NAMES,
    tools={"type": "object", "additionalProperties": {"type": ["string", "null"], "pattern": "^[0-9a-f]{64}$"}},
)
_FEATURE_FIELDS = {
    "key": _FEATURE_KEY,
    "title": _words(80, shortest=1),
    "description": _words(300),
    "icon": {"enum": ICONS},
    "menu": KEY,
    "order": _NUMBER,
    "enabled": {"type": "boolean"},
    "roles": _NAMES,
    "cost": {"type": ["integer", "null"], "minimum": 0, "maximum": LARGEST_INTEGER},
    "needs_approval": {"type": "boolean"},
    "pipeline": KEY,
    "form": _all_of(schema=_OBJECT, ui=_OBJECT),
    "output": _all_of(schema=_OBJECT, ui=_OBJECT),
    "table": {"type": "array"},
    "degrade": _OBJECT,
}
# `requires` says what the feature needs of an installation; a file written by hand may leave it out.
FEATURE = _all_of(**_FEATURE_FIELDS)
FEATURE["properties"] = {**_FEATURE_FIELDS, "requires": _REQUIRES}
