"""The columns of the list of runs."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from apps.core.publishing.registry import Problem
from apps.features.checks.fields import is_object_schema


def columns_known(payload: dict[str, Any]) -> Iterator[Problem]:
    """Each column is a field of the form or the result, named once."""
    columns = payload["table"]
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        yield Problem("E_TABLE_SHAPE", "/table", _("The columns are a list of names of fields."))
        return
    known = {name for part in ("form", "output") for name in _names(payload[part]["schema"])}
    counts = Counter(columns)
    for index, name in enumerate(columns):
        if name not in known:
            words = _("Neither the form nor the result has a field “%(name)s”.") % {"name": name}
            yield Problem("E_TABLE_FIELD", f"/table/{index}", words)
        elif counts[name] > 1:
            yield Problem("E_TABLE_TWICE", f"/table/{index}", _("“%(name)s” is named twice.") % {"name": name})


def _names(schema: Any) -> list[str]:
    return list(schema["properties"]) if is_object_schema(schema) else []
