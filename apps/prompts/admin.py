"""Prompts in the CMS."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from apps.core.admin import AdminAssetsMixin
from apps.core.admin_history import HistoryAdmin
from apps.prompts.models import Prompt


@admin.register(Prompt)
class PromptAdmin(AdminAssetsMixin, HistoryAdmin, ModelAdmin):
    liquid_fields = ("system", "body")
    list_display = ["name", "key"]
    search_fields = ["key", "name"]
    fieldsets = [
        (None, {"fields": ["key", "name"]}),
        (_("Text"), {"fields": ["system", "body"]}),
        (_("Variables"), {"fields": ["variables"]}),
    ]
