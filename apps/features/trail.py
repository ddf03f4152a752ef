"""Where something stands in a draft or a release, in the words that the form of the CMS uses."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy as in_context

from apps.features.audience import translated
from apps.features.models import Feature, MenuGroup
from apps.pipelines.models import Pipeline

SEPARATOR: Final = " › "

# A place of the payload and the fields of the form that it comes from; the longest that fits is taken.
_PLACES: Final[dict[tuple[str, ...], tuple[Any, ...]]] = {
    ("title", "en"): ((Feature, "title"),),
    ("title", "zh-hans"): ((Feature, "title_zh"),),
    ("description", "en"): ((Feature, "description"),),
    ("description", "zh-hans"): ((Feature, "description_zh"),),
    ("menu", "order"): ((Feature, "order"),),
    ("menu", "group"): ((Feature, "menu"),),
    ("menu", "group_order"): ((Feature, "menu"), (MenuGroup, "order")),
    ("menu", "title", "en"): ((Feature, "menu"), (MenuGroup, "title")),
    ("menu", "title", "zh-hans"): ((Feature, "menu"), (MenuGroup, "title_zh")),
    ("form",): ((Feature, "form_schema"),),
    ("form", "schema"): ((Feature, "form_schema"),),
    ("form", "ui"): ((Feature, "ui_schema"),),
    ("output",): ((Feature, "output_schema"),),
    ("output", "schema"): ((Feature, "output_schema"),),
    ("output", "ui"): ((Feature, "output_ui"),),
    ("pipeline", "key"): ((Feature, "pipeline"), (Pipeline, "key")),
    ("pipeline", "graph"): ((Feature, "pipeline"),),
}
# Parts that a release takes along; below them stands the key of one of them.
_PARTS: Final[dict[str, Any]] = {
    "prompts": gettext_lazy("prompt"),
    "pipelines": gettext_lazy("pipeline"),
    "tools": gettext_lazy("tool"),
    "routes": gettext_lazy("models"),
    "models": gettext_lazy("models"),
    "schema": gettext_lazy("layout of the release"),
}
_WORDS: Final[dict[str, Any]] = {
    "title": gettext_lazy("title"),
    "description": gettext_lazy("description"),
    "default": gettext_lazy("default value"),
    "type": in_context("of a field", "type"),
    "format": in_context("of a field", "format"),
    "pattern": in_context("of a field", "pattern"),
    "enum": gettext_lazy("choices"),
    "required": gettext_lazy("needed fields"),
    "items": gettext_lazy("entries of the list"),
    "minimum": gettext_lazy("smallest value"),
    "maximum": gettext_lazy("largest value"),
    "minLength": gettext_lazy("smallest length"),
    "maxLength": gettext_lazy("greatest length"),
    "minItems": gettext_lazy("fewest entries"),
    "maxItems": gettext_lazy("most entries"),
    "x-roles": gettext_lazy("roles"),
    "ui:order": gettext_lazy("order of the fields"),
    "edges": gettext_lazy("connections"),
    "config": gettext_lazy("settings"),
    "inputs": gettext_lazy("inputs"),
    "system": gettext_lazy("system text"),
    "body": gettext_lazy("user text"),
    "variables": gettext_lazy("variables"),
    "en": gettext_lazy("English"),
    "zh-hans": gettext_lazy("Simplified Chinese"),
}
_SILENT: Final = frozenset({"properties", "x-i18n", "nodes", "graph"})  # they say nothing to a reader


def trail(pointer: str, payload: Mapping[str, Any] | None = None) -> str:
    """A JSON pointer into a payload or into the fields of a draft, as words: `form › Size › default value`.

    Fields of forms and steps of pipelines go by their titles where `payload` has them. Raises nothing: what is not
    known stands as it is written.
    """
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.strip("/").split("/")]
    if parts == [""]:
        return _("everything")
    parts = _as_in_payload(parts)
    head, depth = _head(parts)
    return SEPARATOR.join([*head, *_rest(parts, depth, payload)])


def _as_in_payload(parts: list[str]) -> list[str]:
    """Checks of a graph name node and setting, `/pipeline/say/inputs.text`: the same as a place of the payload."""
    if parts[0] != "pipeline" or len(parts) < 2 or parts[1] in ("graph", "key"):
        return parts
    return ["pipeline", "graph", "nodes", parts[1], *(step for part in parts[2:] for step in part.split("."))]


def _head(parts: list[str]) -> tuple[list[str], int]:
    """The words of the longest known beginning, and how many parts it has."""
    for depth in range(min(3, len(parts)), 0, -1):
        if names := _PLACES.get(tuple(parts[:depth])):
            return [str(model._meta.get_field(name).verbose_name) for model, name in names], depth
    known = {field.name: field for field in Feature._meta.get_fields() if hasattr(field, "verbose_name")}
    if parts[0] in known:
        return [str(known[parts[0]].verbose_name)], 1
    return [str(_PARTS.get(parts[0], parts[0]))], 1


def _rest(parts: list[str], depth: int, payload: Mapping[str, Any] | None) -> Iterator[str]:
    at: Any = payload
    for part in parts[:depth]:
        at = _inside(at, part)
    for before, part in zip(["", *parts[depth:]], parts[depth:], strict=False):
        at = _inside(at, part)
        if before in ("properties", "nodes"):
            yield _titled(at, part)
        elif depth == 1 and before == "" and parts[0] in _PARTS:
            yield part
        elif part not in _SILENT:
            yield str(_WORDS.get(part, part))


def _inside(value: Any, part: str) -> Any:
    """What stands under `part`; items of a list go by their id, as in a diff."""
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(value, list):
        return next((item for item in value if isinstance(item, Mapping) and item.get("id") == part), None)
    return None


def _titled(value: Any, name: str) -> str:
    """The title of a field or a step in the reader's language, or else its name."""
    language = get_language() or "en"
    title = translated(value, language).get("title") if isinstance(value, dict) else None
    if isinstance(title, Mapping):
        title = title.get(language) or title.get("en")
    return title if isinstance(title, str) and title else name
