"""Pipelines in the CMS."""

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin

from apps.pipelines.models import Pipeline
from apps.pipelines.validator import validate


@admin.register(Pipeline)
class PipelineAdmin(SimpleHistoryAdmin, ModelAdmin):
    list_display = ["name", "key", "node_count"]
    search_fields = ["key", "name"]
    fieldsets = [(None, {"fields": ["key", "name"]}), (_("Graph"), {"fields": ["graph"]})]

    @admin.display(description=_("nodes"))
    def node_count(self, pipeline: Pipeline) -> int:
        return len(pipeline.graph.get("nodes", []))

    def save_model(self, request: HttpRequest, obj: Pipeline, form: forms.ModelForm[Pipeline], change: bool) -> None:
        super().save_model(request, obj, form, change)
        for problem in validate(obj.graph)[:5]:
            where = f"{problem.node}: " if problem.node else ""
            self.message_user(request, f"{where}{problem.message}", messages.WARNING)
