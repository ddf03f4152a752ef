"""Tasks in the CMS: a timeline to read, nothing to edit."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline

from apps.tasks.models import Event, StepRun, Task


class ReadOnlyInline(TabularInline):
    extra = 0
    can_delete = False
    tab = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StepInline(ReadOnlyInline):
    model = StepRun
    fields = ["node", "type", "status", "attempts", "started_at", "finished_at", "error"]


class EventInline(ReadOnlyInline):
    model = Event
    fields = ["seq", "type", "at", "data"]
    per_page = 50


@admin.register(Task)
class TaskAdmin(ModelAdmin):
    list_display = ["id", "feature", "version", "user", "status", "cost", "created_at", "finished_at"]
    list_filter = ["status", "feature"]
    search_fields = ["id", "user__username"]
    list_select_related = ["user"]
    show_full_result_count = False
    inlines = [StepInline, EventInline]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "id",
                    "feature",
                    "version",
                    "user",
                    "status",
                    "cost",
                    "usage_model",
                    "mock",
                    "error",
                ]
            },
        ),
        (_("Content"), {"fields": ["input", "output"]}),
        (_("Work"), {"fields": ["attempts", "fencing_token", "lease_owner", "lease_until", "request_id"]}),
        (_("Dates"), {"fields": ["created_at", "started_at", "finished_at"]}),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
