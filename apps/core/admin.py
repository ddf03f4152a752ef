"""What several admins share: code editors over long fields, and a head above the form."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db import models
from django.forms import Field
from django.http import HttpRequest
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from apps.core.assets import entry_assets
from apps.core.moments import moment

ROWS = 18  # of the plain textarea, should the editor's code not load
# Runs of \uXXXX above ASCII; below it an escape could hide a `<`.
_ESCAPED = re.compile(r"(?:\\u(?!00[0-7])[0-9a-f]{4})+")


def unescaped(shown: SafeString) -> SafeString:
    r"""Unfold's read-only JSON with 中文 as it is, not as `\u4e2d\u6587`."""

    def readable(run: re.Match[str]) -> str:
        text: str = json.loads(f'"{run[0]}"')
        return escape(text.encode(errors="replace").decode())  # half of a surrogate pair cannot be sent

    return mark_safe(_ESCAPED.sub(readable, shown))  # noqa: S308 - it was safe, and what is put in is escaped


def in_lines(shown: SafeString) -> SafeString:
    """A read-only template with its line breaks."""
    return format_html('<span class="pb-lines">{}</span>', shown)


def column(name: str, label: Any, *, ordering: str = "") -> Callable[[Any], Any]:
    """The attribute `name` under a translated label, for lists and read-only forms of fields that have none."""

    def show(row: Any) -> Any:
        words = getattr(row, f"get_{name}_display", None)
        value = words() if words else getattr(row, name)
        return moment(value) if isinstance(value, datetime) else value

    show.__name__ = name
    return admin.display(description=label, ordering=ordering or None)(show)


class AdminAssetsMixin:
    """Stands before `ModelAdmin`: JSON fields get an editor, `head()` fills the template above the form."""

    change_form_before_template = "admin/paiban_assets.html"
    liquid_fields: ClassVar[tuple[str, ...]] = ()

    def head(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """What `change_form_before_template` shows of `obj`."""
        return {}

    @property
    def readonly_preprocess_fields(self) -> dict[str, Callable[[SafeString], SafeString]]:
        fields = self.model._meta.get_fields()  # type: ignore[attr-defined]  # ModelAdmin's
        shown: dict[str, Callable[[SafeString], SafeString]] = {
            field.name: unescaped for field in fields if isinstance(field, models.JSONField)
        }
        return shown | dict.fromkeys(self.liquid_fields, in_lines)

    def formfield_for_dbfield(self, db_field: models.Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        field: Field | None = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]  # ModelAdmin's
        if field and isinstance(db_field, models.JSONField):
            field.widget.attrs |= {"data-editor": "json", "rows": ROWS}
        elif field and db_field.name in self.liquid_fields:
            field.widget.attrs["rows"] = ROWS
        return field

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        obj = self.get_object(request, unquote(object_id)) if object_id else None  # type: ignore[attr-defined]  # ModelAdmin's
        context = {
            **(extra_context or {}),
            **(self.head(request, obj) if obj else {}),
            "admin_assets": entry_assets("src/admin.tsx"),
        }
        return super().changeform_view(request, object_id, form_url, context)  # type: ignore[misc]  # ModelAdmin's
