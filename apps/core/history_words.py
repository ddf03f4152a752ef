"""What a row of a history changed, for a person: long JSON by its places, yes and no in words."""

import json
from collections.abc import Iterator
from typing import Any, Final

from django.db import models
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext as _
from simple_history.models import ModelChange, ModelDelta
from simple_history.template_utils import HistoricalRecordContextHelper

from apps.core.publishing.diff import diff

SHOWN: Final = 160  # characters of one value; the version itself shows the whole
PLACES: Final = 8  # of one JSON field


class ChangeWords(HistoricalRecordContextHelper):
    """The package cuts JSON in the middle and writes it as Python does."""

    def context_for_delta_changes(self, delta: ModelDelta) -> list[dict[str, Any]]:
        """`field`, `old` and `new` of every change; one row for each place of a JSON field."""
        return [row for change in delta.changes for row in self._rows(change)]

    def _rows(self, change: ModelChange) -> Iterator[dict[str, Any]]:
        field = self.model._meta.get_field(change.field)
        name = capfirst(str(getattr(field, "verbose_name", change.field)))
        if isinstance(field, models.JSONField):
            yield from _places(name, change)
        elif isinstance(field, models.BooleanField):
            yield {"field": name, "old": _in_words(change.old), "new": _in_words(change.new)}
        else:
            shown = self.format_delta_change(change)
            old = "" if change.old is None else shown.old
            new = "" if change.new is None else shown.new
            yield {"field": name, "old": old, "new": new}


def _places(name: str, change: ModelChange) -> Iterator[dict[str, Any]]:
    found = diff(change.old, change.new)
    for part in found[:PLACES]:
        steps = [step.replace("~1", "/").replace("~0", "~") for step in part.path.strip("/").split("/") if step]
        yield {"field": " › ".join([name, *steps]), "old": _in_words(part.old), "new": _in_words(part.new)}
    if (more := len(found) - PLACES) > 0:
        yield {"field": name, "old": "", "new": _("and %(count)s more") % {"count": more}}


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if value is None or value == "":
        return ""
    return Truncator(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).chars(SHOWN)
