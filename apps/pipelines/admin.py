"""Pipelines in the CMS: the picture, the problems and the users of a graph stand above its form."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin

from apps.core.admin import AdminAssetsMixin
from apps.core.admin_history import HistoryAdmin
from apps.core.usage_admin import UsedByMixin
from apps.pipelines.graph import parse_graph, readable_graph
from apps.pipelines.models import Pipeline
from apps.pipelines.nodes import labels
from apps.pipelines.parts import parts_of_graph
from apps.pipelines.validator import GraphProblem, validate


@admin.register(Pipeline)
class PipelineAdmin(UsedByMixin, AdminAssetsMixin, HistoryAdmin, ModelAdmin):
    usage_kind = "pipeline"
    list_display = ["name", "key", "node_count"]
    search_fields = ["key", "name"]
    change_form_before_template = "admin/pipelines/head.html"
    fieldsets = [(None, {"fields": ["key", "name"]}), (_("Graph"), {"fields": ["graph"]})]

    @admin.display(description=_("nodes"))
    def node_count(self, pipeline: Pipeline) -> int:
        return len(readable_graph(pipeline.graph).nodes)

    def head(self, request: HttpRequest, obj: Pipeline) -> dict[str, Any]:
        return {"graph": obj.graph, "problems": problems_of(obj), "kinds": labels()}

    def save_model(self, request: HttpRequest, obj: Pipeline, form: forms.ModelForm[Pipeline], change: bool) -> None:
        super().save_model(request, obj, form, change)
        if count := len(problems_of(obj)):
            words = ngettext(
                "Saved. %(count)s problem would stop a release; the pipeline's page shows it.",
                "Saved. %(count)s problems would stop a release; the pipeline's page shows them.",
                count,
            )
            self.message_user(request, words % {"count": count}, messages.WARNING)


def problems_of(pipeline: Pipeline) -> list[GraphProblem]:
    """What is wrong with the saved draft, judged with the prompts and tools as they are now.

    The form is known when just one feature uses the pipeline.
    """
    try:
        parts = parts_of_graph(parse_graph(pipeline.graph))
    except ValueError:
        return validate(pipeline.graph)
    forms_in_use = list(pipeline.features.values_list("form_schema", flat=True)[:2])
    return validate(pipeline.graph, parts | ({"form": forms_in_use[0]} if len(forms_in_use) == 1 else {}))
