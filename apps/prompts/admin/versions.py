"""The versions of prompts in the CMS: to read. They are saved, restored and labelled on the prompt's page."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from apps.core.admin import AdminAssetsMixin, column
from apps.prompts.models import PromptVersion


@admin.register(PromptVersion)
class PromptVersionAdmin(AdminAssetsMixin, ModelAdmin):
    read_only = True  # for whoever asks from outside, as the role walk does
    liquid_fields = ("system", "body")
    list_display = [
        "__str__",
        "note",
        "named",
        column("author", _("author"), ordering="author__username"),
        column("created_at", _("saved"), ordering="created_at"),
    ]
    list_filter = ["prompt"]
    list_select_related = ["prompt", "author"]
    search_fields = ["prompt__key", "note"]
    fields = ["prompt", "number", "note", "named", "author", "created_at", "system", "body", "variables", "sha256"]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[PromptVersion]:
        rows: QuerySet[PromptVersion] = super().get_queryset(request)
        return rows.prefetch_related("labels")

    @admin.display(description=_("labels"))
    def named(self, version: PromptVersion) -> str:
        return ", ".join(sorted(label.name for label in version.labels.all())) or "—"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
