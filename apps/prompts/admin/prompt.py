"""Prompts in the CMS."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from apps.core.admin import AdminAssetsMixin
from apps.core.admin_history import HistoryAdmin
from apps.core.usage_admin import KeptNameForm, UsedByMixin
from apps.prompts.admin.saving import PromptSaving
from apps.prompts.editor import FIELDS, editor_source, token_view
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
    change_form_after_template = "admin/prompts/editor.html"
    fieldsets = [
        (None, {"fields": ["key", "name"]}),
        (_("Text"), {"fields": ["system", "body"]}),
        (_("Variables"), {"fields": ["variables"]}),
        (_("Trial and gate"), {"fields": ["model_defaults", ("gate_share", "gate_p95_ms", "gate_cost_micro")]}),
    ]

    def formfield_for_dbfield(self, db_field: models.Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Plain fields: the prompt's own editor takes them over, and they serve as they are where it cannot."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and db_field.name in FIELDS:
            field.widget.attrs.pop("data-editor", None)
        return field

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, obj: Any = None, **kwargs: Any) -> Any:
        read_only = obj is not None and not self.has_change_permission(request, obj)
        form = context["adminform"].form
        context["prompt_editor"] = editor_source(request.user, obj, form=form, read_only=read_only)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        own = path("token/", self.admin_site.admin_view(token_view), name="prompts_prompt_token")
        return [own, *super().get_urls()]
