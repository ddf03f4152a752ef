"""Prompts in the CMS."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from apps.core.admin import AdminAssetsMixin
from apps.core.admin_history import HistoryAdmin
from apps.core.errors import StaleRevision
from apps.core.usage_admin import KeptNameForm, UsedByMixin
from apps.prompts.admin.saving import PromptSaving
from apps.prompts.editor import FIELDS, editor_source, token_view
from apps.prompts.models import CaseRun, Prompt, PromptCase, PromptVersion


class PromptForm(KeptNameForm):
    """Pipelines and other prompts name a prompt by its key. What somebody else saved meanwhile is not overwritten."""

    usage_kind = "prompt"
    seen_revision = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Of the row, not of the instance: the page of an old version shows that version over the draft of now.
        self.fields["seen_revision"].initial = self._revision()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        current = self._revision()
        if cleaned.get("seen_revision") not in (None, current):
            raise forms.ValidationError(StaleRevision().text())
        return cleaned | {"seen_revision": current}

    def _revision(self) -> int | None:
        return Prompt.objects.filter(pk=self.instance.pk).values_list("revision", flat=True).first()


@admin.register(Prompt)
class PromptAdmin(PromptSaving, UsedByMixin, AdminAssetsMixin, HistoryAdmin, ModelAdmin):
    form = PromptForm
    usage_kind = "prompt"
    own_parts = (PromptVersion, PromptCase, CaseRun)
    liquid_fields = ("system", "body")
    list_display = ["name", "key"]
    search_fields = ["key", "name"]
    change_form_after_template = "admin/prompts/editor.html"
    fieldsets = [
        (None, {"fields": ["key", "name", "seen_revision"]}),
        # The class marks what the editor takes the place of.
        (_("Text"), {"classes": ["pe-plain"], "fields": ["system", "body"]}),
        (_("Variables"), {"classes": ["pe-plain"], "fields": ["variables"]}),
        (
            _("Trial and gate"),
            {"classes": ["collapse"], "fields": ["model_defaults", ("gate_share", "gate_p95_ms", "gate_cost_micro")]},
        ),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Prompt | None = None) -> Any:
        """Who only reads has seen no revision that could be out of date."""
        if obj is None or self.has_change_permission(request, obj):
            return self.fieldsets
        return [(None, {"fields": ["key", "name"]}), *self.fieldsets[1:]]

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
