"""Prompts in the CMS."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin

from apps.core.admin import AdminAssetsMixin
from apps.prompts.models import Prompt


@admin.register(Prompt)
class PromptAdmin(AdminAssetsMixin, SimpleHistoryAdmin, ModelAdmin):
    liquid_fields = ("system", "body")
    list_display = ["name", "key"]
    search_fields = ["key", "name"]
    fieldsets = [
        (None, {"fields": ["key", "name"]}),
        (_("Text"), {"fields": ["system", "body"]}),
        (_("Variables"), {"fields": ["variables"]}),
    ]
