"""The wizard's pages: each step is a form that works without scripts, and can be left and taken up again."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from unfold.decorators import action

from apps.core.assets import entry_assets
from apps.core.errors import ApiError
from apps.core.permissions import needs
from apps.features import services
from apps.features.admin.pages import FeaturePages
from apps.features.gallery.rights import may_import
from apps.features.models import Feature
from apps.features.overview import translated_graph
from apps.features.wizard.forms import BasicsForm, DesignForm, StartForm
from apps.features.wizard.starting import start_feature
from apps.pipelines.editor import editor_source
from apps.pipelines.nodes import labels
from apps.pipelines.services import problems_of

STEPS = ("basics", "form", "pipeline", "finish")


class WizardPages(FeaturePages):
    """Stands before `ModelAdmin`."""

    def wizard_urls(self, wrap: Callable[[Any], Any]) -> list[URLPattern]:
        """The routes of these pages."""
        return [
            path("wizard/", wrap(self.wizard_start_view), name="features_feature_wizard"),
            path("<int:pk>/wizard/basics/", wrap(self.wizard_basics_view), name="features_feature_wizard_basics"),
            path("<int:pk>/wizard/form/", wrap(self.wizard_form_view), name="features_feature_wizard_form"),
            path("<int:pk>/wizard/pipeline/", wrap(self.wizard_pipeline_view), name="features_feature_wizard_pipeline"),
            path("<int:pk>/wizard/finish/", wrap(self.wizard_finish_view), name="features_feature_wizard_finish"),
        ]

    @needs("features:create")
    @action(description=gettext_lazy("Step by step"), url_path="go-wizard", icon="auto_fix_high", permissions=["add"])  # type: ignore[untyped-decorator]
    def open_wizard(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:features_feature_wizard")

    @needs("features:create")
    def wizard_start_view(self, request: HttpRequest) -> HttpResponse:
        """A new draft: what it is called, and what to start from."""
        if not may_import(request.user):
            raise PermissionDenied
        form = StartForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                feature = start_feature(form.basics(), start=form.cleaned_data["start"], by=request.user)
            except (ApiError, ValidationError) as exc:
                self._wizard_told(request, exc)
            else:
                return redirect("admin:features_feature_wizard_form", feature.pk)
        return self._wizard_page(request, "basics", None, {"form": form, "title": _("A new feature")})

    @needs("features:write")
    def wizard_basics_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The basics again, of a draft that is there."""
        feature = self.feature_of(request, pk, "change")
        form = BasicsForm(request.POST or None, instance=feature)
        if request.method == "POST" and form.is_valid():
            changes = {name: form.cleaned_data[name] for name in form.Meta.fields}
            if self._wizard_saved(request, feature, changes):
                return redirect("admin:features_feature_wizard_form", pk)
        return self._wizard_page(request, "basics", feature, {"form": form})

    @needs("features:write")
    def wizard_form_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form designer: fields on the left, the form as users see it on the right."""
        feature = self.feature_of(request, pk, "change")
        initial = {"form_schema": feature.form_schema, "ui_schema": feature.ui_schema}
        form = DesignForm(request.POST or None, feature=feature, initial=initial | {"seen_revision": feature.revision})
        if request.method == "POST" and form.is_valid() and self._wizard_saved(request, feature, form.changes()):
            return redirect("admin:features_feature_wizard_pipeline", pk)
        preview = {"schema": feature.form_schema, "uiSchema": feature.ui_schema, "language": get_language() or "en"}
        shown = {"form": form, "form_preview": preview, "designer": {"language": preview["language"]}}
        return self._wizard_page(request, "form", feature, shown)

    @needs("features:write")
    def wizard_pipeline_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What happens with the input, and what is not right about it yet."""
        feature = self.feature_of(request, pk, "change")
        shown = {
            **_judged(feature),
            "pipeline_picture": translated_graph(feature.pipeline.graph, get_language() or "en"),
            "kinds": labels(),
            "may_edit": request.user.has_perm("pipelines.change_pipeline"),
        }
        return self._wizard_page(request, "pipeline", feature, shown)

    @needs("features:write")
    def wizard_finish_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Look at it, and publish it."""
        feature = self.feature_of(request, pk, "change", "publish")
        read_only = not request.user.has_perm("pipelines.change_pipeline")
        trial = editor_source(request.user, feature.pipeline, read_only=read_only)
        shown = {"trial": trial, **_judged(feature)}
        return self._wizard_page(request, "finish", feature, shown)

    def _wizard_saved(self, request: HttpRequest, feature: Feature, changes: dict[str, Any]) -> bool:
        """Whether the draft took `changes`; what it has against them is told."""
        try:
            services.update_draft(feature.key, changes, expected_revision=feature.revision, by=request.user)
        except (ApiError, ValidationError) as exc:
            self._wizard_told(request, exc)
            return False
        return True

    def _wizard_told(self, request: HttpRequest, exc: ApiError | ValidationError) -> None:
        words = [exc.text()] if isinstance(exc, ApiError) else exc.messages
        for one in words:
            self.message_user(request, one, messages.ERROR)  # type: ignore[attr-defined]  # ModelAdmin's

    def _wizard_page(
        self, request: HttpRequest, step: str, feature: Feature | None, shown: dict[str, Any]
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]  # ModelAdmin's
            "title": str(feature or ""),
            "opts": Feature._meta,
            "feature": feature,
            "steps": _steps(step, feature),
            "admin_assets": entry_assets("src/admin.tsx"),
            **shown,
        }
        return render(request, f"admin/features/wizard/{step}.html", context)


def _judged(feature: Feature) -> dict[str, Any]:
    """What is wrong with the pipeline, and what is only worth knowing."""
    found = problems_of(feature.pipeline)
    return {
        "problems": [problem for problem in found if problem.severity == "error"],
        "warnings": [problem for problem in found if problem.severity != "error"],
    }


def _steps(active: str, feature: Feature | None) -> list[dict[str, Any]]:
    """The steps for the head of every page; those of a draft that is not there yet lead nowhere."""
    titles = {
        "basics": _("Basics"),
        "form": _("Form"),
        "pipeline": _("Pipeline"),
        "finish": _("Try and publish"),
    }
    return [
        {
            "number": number,
            "title": titles[step],
            "active": step == active,
            "url": reverse(f"admin:features_feature_wizard_{step}", args=[feature.pk]) if feature else "",
        }
        for number, step in enumerate(STEPS, start=1)
    ]
