"""Prompts in the CMS."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from apps.core.admin import AdminAssetsMixin
from apps.core.admin_history import HistoryAdmin
from apps.core.usage_admin import KeptNameForm, UsedByMixin
from apps.prompts.admin.saving import PromptSaving
from apps.prompts.models import Prompt


class PromptForm(KeptNameForm):
    """Pipelines and other prompts name a prompt by its key."""

    usage_kind = "prompt"


@admin.register(Prompt)
class PromptAdmin(PromptSaving, UsedByMixin, AdminAssetsMixin, HistoryAdmin, ModelAdmin):
    form = PromptForm
    usage_kind = "prompt"
    liquid_fields = ("system", "body")
    list_display = ["name", "key"]
    search_fields = ["key", "name"]
    fieldsets = [
        (None, {"fields": ["key", "name"]}),
        (_("Text"), {"fields": ["system", "body"]}),
        (_("Variables"), {"fields": ["variables"]}),
        (_("Trial and gate"), {"fields": ["model_defaults", ("gate_share", "gate_p95_ms", "gate_cost_micro")]}),
    ]
