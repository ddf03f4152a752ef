"""Pipelines in the CMS: the editor, the problems and the users of a graph stand above its form."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin

from apps.core.admin import AdminAssetsMixin
from apps.core.admin_history import HistoryAdmin
from apps.core.errors import StaleRevision
from apps.core.usage_admin import KeptNameForm, UsedByMixin
from apps.pipelines.editor import editor_source, token_view
from apps.pipelines.graph import readable_graph
from apps.pipelines.models import Pipeline, PipelineCase, PipelinePin
from apps.pipelines.nodes import labels
from apps.pipelines.services import claim_revision, problems_of, renew
from apps.pipelines.validator import GraphProblem


class PipelineForm(KeptNameForm):
    """Features and other pipelines name one by its key. What somebody else saved meanwhile is not overwritten."""

    usage_kind = "pipeline"
    seen_revision = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Of the row, not of the instance: the page of an old version shows that version over the draft of now.
        self.fields["seen_revision"].initial = self._revision()
        if "graph" in self.fields:
            self.fields["graph"].required = False  # one without nodes is a beginning

    def clean_graph(self) -> Any:
        return self.cleaned_data["graph"] or {}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        current = self._revision()
        if cleaned.get("seen_revision") not in (None, current):
            raise forms.ValidationError(StaleRevision().text())
        return cleaned | {"seen_revision": current}

    def _revision(self) -> int | None:
        return Pipeline.objects.filter(pk=self.instance.pk).values_list("revision", flat=True).first()


@admin.register(Pipeline)
class PipelineAdmin(UsedByMixin, AdminAssetsMixin, HistoryAdmin, ModelAdmin):
    form = PipelineForm
    usage_kind = "pipeline"
    own_parts = (PipelineCase, PipelinePin)
    list_display = ["name", "key", "node_count", "status"]
    list_filter = ["status"]
    search_fields = ["key", "name"]
    change_form_before_template = "admin/pipelines/head.html"
    fieldsets = [
        (None, {"fields": ["key", "name", "seen_revision"]}),
        # The class marks what the editor takes the place of.
        (_("Graph"), {"classes": ["pf-plain"], "fields": ["graph"]}),
    ]

    @admin.display(description=_("nodes"))
    def node_count(self, pipeline: Pipeline) -> int:
        return len(readable_graph(pipeline.graph).nodes)

    def get_fieldsets(self, request: HttpRequest, obj: Pipeline | None = None) -> Any:
        """Who only reads has seen no revision that could be out of date."""
        if obj is None or self.has_change_permission(request, obj):
            return self.fieldsets
        return [(None, {"fields": ["key", "name"]}), *self.fieldsets[1:]]

    def head(self, request: HttpRequest, obj: Pipeline) -> dict[str, Any]:
        return {"graph": obj.graph, "problems": _errors(obj), "kinds": labels()}

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, obj: Any = None, **kwargs: Any) -> Any:
        read_only = obj is not None and not self.has_change_permission(request, obj)
        form = context["adminform"].form
        context["flow"] = editor_source(request.user, obj, form=form, read_only=read_only)
        context.setdefault("kinds", labels())  # on the page of a new one there is no head
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def save_model(self, request: HttpRequest, obj: Pipeline, form: Any, change: bool) -> None:
        """Each save claims the revision that its form has seen."""
        if change:
            claimed = claim_revision(str(Pipeline.objects.values_list("key", flat=True).get(pk=obj.pk)), _seen(form))
            renew(obj, claimed)
        obj.updated_by = request.user  # type: ignore[assignment]  # signed in, or not here
        super().save_model(request, obj, form, change)
        if count := len(_errors(obj)):
            words = ngettext(
                "Saved. %(count)s problem would stop a release; the pipeline's page shows it.",
                "Saved. %(count)s problems would stop a release; the pipeline's page shows them.",
                count,
            )
            self.message_user(request, words % {"count": count}, messages.WARNING)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Two people who save at the same instant: one is saved, the other is told."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except StaleRevision as exc:
            self.message_user(request, exc.text(), messages.ERROR)
            return redirect(request.path)

    def get_urls(self) -> list[URLPattern]:
        own = path("token/", self.admin_site.admin_view(token_view), name="pipelines_pipeline_token")
        return [own, *super().get_urls()]


def _seen(form: Any) -> int:
    """The revision that the form has seen; a row that was deleted meanwhile has none."""
    return form.cleaned_data["seen_revision"] or 0


def _errors(pipeline: Pipeline) -> list[GraphProblem]:
    """What stands in the way of a release."""
    return [problem for problem in problems_of(pipeline) if problem.severity == "error"]
