"""The page of one prompt's cases in the CMS: run them, watch the run, call it off, see what came of it."""

from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.core.errors import ApiError
from apps.core.permissions import needs
from apps.prompts.models import CaseRun, Prompt, PromptCase
from apps.prompts.services import cancel_run, cases_of, run_of, runs_of, start_run

RUNS: Final = 10  # shown on the page, the newest
MAX_AT, MAX_MODEL = 64, 200  # characters


class RunPages:
    """Stands before `ModelAdmin`. Every change is a POST that asks for its right itself."""

    def run_urls(self, wrap: Callable[[Any], Any]) -> list[URLPattern]:
        """The routes of these pages."""

        def post(view: Any) -> Any:
            return wrap(require_POST(view))

        run = "of/<int:pk>/runs/<int:run_id>/"
        return [
            path("of/<int:pk>/", wrap(self.cases_view), name="prompts_promptcase_of"),
            path("of/<int:pk>/run/", post(self.run_view), name="prompts_promptcase_run"),
            path(run, wrap(self.progress_view), name="prompts_promptcase_progress"),
            path(f"{run}cancel/", post(self.cancel_view), name="prompts_promptcase_cancel"),
        ]

    @needs("prompts:read")
    def cases_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A prompt's cases, the button that runs them, runs that go on with their bars, and the newest case by case.

        With the header `X-Fragment` only the runs.
        """
        prompt = self._seen(request, pk)
        own = {
            "prompt": prompt,
            "runs": [{"run": run, "progress": progress_of(run)} for run in runs_of(prompt.key)[:RUNS]],
            "may_run": self.has_change_permission(request),  # type: ignore[attr-defined]  # ModelAdmin's
        }
        if request.headers.get("X-Fragment"):
            return render(request, "admin/prompts/runs.html", own)
        own |= {
            "title": prompt.name,
            "opts": PromptCase._meta,
            "cases": list(cases_of(prompt.key)),
            "wanted": {
                "at": request.GET.get("at", "")[:MAX_AT],
                "model": request.GET.get("model", prompt.model_defaults.get("model") or "")[:MAX_MODEL],
            },
        }
        site = self.admin_site.each_context(request)  # type: ignore[attr-defined]  # ModelAdmin's
        return render(request, "admin/prompts/cases.html", site | own)

    @needs("prompts:write")
    def run_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Order a run; the page then shows how far it is."""
        prompt = self._changed(request, pk)
        at, model = request.POST.get("at", "").strip()[:MAX_AT], request.POST.get("model", "").strip()[:MAX_MODEL]
        try:
            start_run(f"{prompt.key}@{at}" if at else prompt.key, model=model, by=request.user)
            self._say(request, _("The cases are being run. You may close this page."), messages.SUCCESS)
        except ApiError as exc:
            self._say(request, exc.text(), messages.ERROR)
            return redirect("admin:prompts_promptcase_of", pk)
        return redirect(f"{reverse('admin:prompts_promptcase_of', args=[pk])}#runs")

    @needs("prompts:read")
    def progress_view(self, request: HttpRequest, pk: int, run_id: int) -> HttpResponse:
        """How far one run is, for the page's script."""
        run = run_of(self._seen(request, pk).key, run_id)
        words = {"words": progress_of(run), "said": str(run.get_status_display())}
        return JsonResponse(
            {"status": run.status, "open": run.is_open, "done": run.done, "total": run.total, **words},
            headers={"Cache-Control": "no-store"},
        )

    @needs("prompts:write")
    def cancel_view(self, request: HttpRequest, pk: int, run_id: int) -> HttpResponse:
        """Call a run off."""
        prompt = self._changed(request, pk)
        try:
            cancel_run(prompt.key, run_id, by=request.user)
            self._say(request, _("The run was cancelled. What was answered until then is kept."), messages.SUCCESS)
        except ApiError as exc:
            self._say(request, exc.text(), messages.ERROR)
        return redirect("admin:prompts_promptcase_of", pk)

    def _seen(self, request: HttpRequest, pk: int) -> Prompt:
        if not self.has_view_permission(request):  # type: ignore[attr-defined]  # ModelAdmin's
            raise PermissionDenied
        return get_object_or_404(Prompt, pk=pk)

    def _changed(self, request: HttpRequest, pk: int) -> Prompt:
        if not self.has_change_permission(request):  # type: ignore[attr-defined]  # ModelAdmin's
            raise PermissionDenied
        return get_object_or_404(Prompt, pk=pk)

    def _say(self, request: HttpRequest, words: str, level: int) -> None:
        self.message_user(request, words, level)  # type: ignore[attr-defined]  # ModelAdmin's


def progress_of(run: CaseRun) -> str:
    """How far a run is, as one sentence."""
    return _("%(done)s of %(total)s cases answered") % {"done": run.done, "total": run.total}
