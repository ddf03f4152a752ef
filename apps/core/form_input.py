"""The one validator of task input: defaults filled in, every refusal with a pointer, a code and words."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core.json_schema import validator

_WORDS: dict[str, str | Promise] = {
    "required": _("This field is needed."),
    "type": _("This is not the expected kind of value."),
    "maximum": _("At most %(limit)s."),
    "minimum": _("At least %(limit)s."),
    "exclusiveMaximum": _("Less than %(limit)s."),
    "exclusiveMinimum": _("More than %(limit)s."),
    "maxLength": _("At most %(limit)s characters."),
    "minLength": _("At least %(limit)s characters."),
    "multipleOf": _("Not one of the allowed steps."),
    "pattern": _("This does not have the expected form."),
    "format": _("This does not have the expected form."),
    "oneOf": _("Choose one of the offered values."),
    "enum": _("Choose one of the offered values."),
    "const": _("Choose one of the offered values."),
    "additionalProperties": _("This field is not known."),
    "falseSchema": _("This field is not known."),
}


def with_defaults(schema: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """`given` with the schema's defaults for what is absent, nested objects included."""
    filled = dict(given)
    for name, field in _fields(schema):
        if name not in filled and "default" in field:
            filled[name] = field["default"]
        elif isinstance(filled.get(name), dict) and field.get("type") == "object":
            filled[name] = with_defaults(field, filled[name])
    return filled


def field_errors(schema: Mapping[str, Any], value: Any) -> list[dict[str, str]]:
    """Every way in which `value` does not fit: `{pointer, code, message}`, in the active language."""
    if not _is_sendable(value):
        return [{"pointer": "", "code": "text", "message": str(_WORDS["pattern"])}]
    return [problem for error in validator(schema).iter_errors(value) for problem in _described(error)]


def _is_sendable(value: Any) -> bool:
    r"""Whether all text in `value` can be written as UTF-8; JSON may spell half a surrogate pair, as `\ud800`."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _described(error: Any) -> list[dict[str, str]]:
    code, kind = error.kind.name, error.kind
    base = _pointer(error.instance_path)
    names = {
        "required": [getattr(kind, "property", "")],
        "additionalProperties": getattr(kind, "unexpected", []),
    }
    template = str(_WORDS.get(code, "")) or error.message[:200]
    code = "additionalProperties" if code == "falseSchema" else code  # a field that takes nothing is no field
    message = template % {"limit": kind.limit} if "%(limit)" in template else template
    return [{"pointer": base + suffix, "code": code, "message": message} for suffix in _suffixes(names.get(code))]


def _suffixes(names: Any) -> list[str]:
    return [_pointer([name]) for name in names] if names else [""]


def _pointer(parts: Iterable[Any]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def file_fields(schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The top-level fields whose value is the id of a file."""
    return {name: field for name, field in _fields(schema) if field.get("format") == "file"}


def _fields(schema: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The properties that say something about themselves; `true` is a schema too."""
    return [(name, field) for name, field in schema.get("properties", {}).items() if isinstance(field, Mapping)]
