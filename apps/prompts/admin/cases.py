"""Saved cases in the CMS: write them, run them, see what came of it."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from apps.core.admin import AdminAssetsMixin
from apps.core.admin_history import HistoryAdmin
from apps.core.errors import ApiError
from apps.core.permissions import needs
from apps.prompts.checking import case_mistakes
from apps.prompts.models import CaseRun, Prompt, PromptCase
from apps.prompts.services import cases_of, run_cases
from apps.prompts.services.cases import MAX_CASES

RUNS = 10  # shown on the page, the newest


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
class PromptCaseAdmin(AdminAssetsMixin, HistoryAdmin, ModelAdmin):
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

    # --- the page of one prompt's cases -------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("of/<int:pk>/", wrap(self.cases_view), name="prompts_promptcase_of"),
            path("of/<int:pk>/run/", wrap(require_POST(self.run_view)), name="prompts_promptcase_run"),
            *super().get_urls(),
        ]

    @needs("prompts:read")
    def cases_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A prompt's cases, the button that runs them, and the newest runs case by case."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        prompt = get_object_or_404(Prompt, pk=pk)
        own = {
            "title": prompt.name,
            "opts": PromptCase._meta,
            "prompt": prompt,
            "cases": list(cases_of(prompt.key)),
            "runs": list(prompt.case_runs.select_related("by")[:RUNS]),
            "may_run": self.has_change_permission(request),
        }
        return render(request, "admin/prompts/cases.html", self.admin_site.each_context(request) | own)

    @needs("prompts:write")
    def run_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Run the cases now; the answer comes when all are answered, after a minute at most."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        prompt = get_object_or_404(Prompt, pk=pk)
        at, model = request.POST.get("at", "").strip()[:64], request.POST.get("model", "").strip()[:200]
        try:
            run = run_cases(f"{prompt.key}@{at}" if at else prompt.key, model=model, by=request.user)
            words = _("All that has to pass has passed.") if run.passed else _("Not passed; see what is missing.")
            self.message_user(request, words, messages.SUCCESS if run.passed else messages.WARNING)
        except ApiError as exc:
            self.message_user(request, exc.text(), messages.ERROR)
        return redirect("admin:prompts_promptcase_of", pk)


@admin.register(CaseRun)
class CaseRunAdmin(AdminAssetsMixin, ModelAdmin):
    read_only = True  # for whoever asks from outside, as the role walk does
    list_display = ["reference", "model", "passed", "share", "p95_ms", "cost_micro", "created_at"]
    list_filter = ["passed", "prompt"]
    list_select_related = ["prompt"]
    search_fields = ["reference", "model"]
    fields = [*list_display, "by", "reasons", "content_sha256", "results"]
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
