"""Form and result are JSON Schemas that a front end can draw and translate."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from apps.core.json_schema import fault_of
from apps.core.publishing.registry import Problem
from apps.features.checks.fields import is_object_schema


def schemas_valid(payload: dict[str, Any]) -> Iterator[Problem]:
    """An object with properties, valid by the standard, with overlays that can be laid."""
    for part, words in (("form", _("form")), ("output", _("output"))):
        schema, path = payload[part]["schema"], f"/{part}/schema"
        if not is_object_schema(schema):
            text = _("The %(part)s must be a JSON Schema of type object with properties.") % {"part": words}
            yield Problem("E_SCHEMA_SHAPE", path, text)
            continue
        if fault := fault_of(schema):
            yield Problem("E_SCHEMA_INVALID", path + fault[0], fault[1])
        if not _is_translatable(schema):
            yield Problem("E_TRANSLATION", path, _("x-i18n holds one object of texts for each language."))
        if not isinstance(payload[part]["ui"], dict):
            yield Problem("E_UI_SHAPE", f"/{part}/ui", _("The appearance is a JSON object."))


def _is_translatable(value: Any) -> bool:
    """Whether every `x-i18n` in `value` can be laid over its neighbours."""
    if isinstance(value, list):
        return all(map(_is_translatable, value))
    if not isinstance(value, dict):
        return True
    overlays = value.get("x-i18n", {})
    sound = isinstance(overlays, dict) and all(isinstance(texts, dict) for texts in overlays.values())
    return sound and all(map(_is_translatable, value.values()))
