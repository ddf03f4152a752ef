"""Saved cases in the CMS: write them, and look at their runs."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from apps.core.admin import AdminAssetsMixin
from apps.core.admin_history import HistoryAdmin
from apps.prompts.admin.runs import RunPages
from apps.prompts.checking import case_mistakes
from apps.prompts.models import CaseRun, PromptCase
from apps.prompts.services.cases import MAX_CASES


class CaseForm(forms.ModelForm[PromptCase]):
    """The same mistakes as the API tells, each at its field."""

    class Meta:
        model = PromptCase
        fields = ["prompt", "name", "values", "checks", "gated"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not {"values", "checks"} <= cleaned.keys():
            return cleaned
        for mistake in case_mistakes(cleaned["values"], cleaned["checks"]):
            field, _slash, place = str(mistake["pointer"])[1:].partition("/")
            words = f"{place}: {mistake['message']}" if place else str(mistake["message"])
            self.add_error(field, ValidationError(words, code=str(mistake["code"])))
        prompt = cleaned.get("prompt")
        if prompt and not self.instance.pk and prompt.cases.count() >= MAX_CASES:
            self.add_error(None, _("A prompt has at most %(limit)s saved cases.") % {"limit": MAX_CASES})
        return cleaned


@admin.register(PromptCase)
class PromptCaseAdmin(RunPages, AdminAssetsMixin, HistoryAdmin, ModelAdmin):
    form = CaseForm
    list_display = ["name", "of_prompt", "gated"]
    list_filter = ["gated", "prompt"]
    list_select_related = ["prompt"]
    search_fields = ["name", "prompt__key"]
    autocomplete_fields = ["prompt"]
    fields = ["prompt", "name", "values", "checks", "gated"]

    @admin.display(description=_("prompt"), ordering="prompt__key")
    def of_prompt(self, case: PromptCase) -> SafeString:
        address = reverse("admin:prompts_promptcase_of", args=[case.prompt_id])
        return format_html('<a href="{}">{}</a>', address, case.prompt.key)

    def save_model(self, request: HttpRequest, obj: PromptCase, form: Any, change: bool) -> None:
        obj.revision += 1 if change else 0
        super().save_model(request, obj, form, change)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [*self.run_urls(wrap), *super().get_urls()]


@admin.register(CaseRun)
class CaseRunAdmin(AdminAssetsMixin, ModelAdmin):
    read_only = True  # for whoever asks from outside, as the role walk does
    list_display = ["reference", "version", "model", "status", "passed", "share", "p95_ms", "cost_micro", "created_at"]
    list_filter = ["status", "passed", "prompt"]
    list_select_related = ["prompt"]
    search_fields = ["reference", "model"]
    fields = [*list_display, "by", "reasons", "error", "content_sha256", "results"]
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
