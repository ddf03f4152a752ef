"""One tool: what was approved, what the server shows, how it is called, and a place to try it."""

import json
from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from apps.core.admin import AdminAssetsMixin, column
from apps.core.admin_history import HistoryAdmin
from apps.core.assets import entry_assets
from apps.core.errors import ApiError
from apps.core.permissions import needs
from apps.core.usage_admin import UsedByMixin
from apps.mcp import services
from apps.mcp.admin.forms import ApproveForm, CallForm
from apps.mcp.admin.states import tool_state
from apps.mcp.alerts import blocked_tools
from apps.mcp.models import Tool


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("blocked", _("changed, blocked")), ("waiting", _("not allowed")), ("gone", _("gone"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Tool]) -> QuerySet[Tool]:
        if self.value() == "blocked":
            return queryset.filter(pk__in=blocked_tools().values("pk"))
        if self.value() == "waiting":
            return queryset.filter(allowed=False, gone_at=None)
        return queryset.filter(gone_at__isnull=False) if self.value() == "gone" else queryset


@admin.register(Tool)
class ToolAdmin(UsedByMixin, AdminAssetsMixin, HistoryAdmin, ModelAdmin):
    usage_kind = "tool"
    never_added = True  # for whoever asks from outside, as the role walk does
    revertible = False  # what is approved is approved by looking at it
    list_display = ["name", "server", "state", column("changed_at", _("changed"), ordering="changed_at")]
    list_filter = [StateFilter, "server"]
    list_select_related = ["server"]
    search_fields = ["name", "title", "server__key"]
    change_form_before_template = "admin/mcp/tool_parts.html"
    change_form_outer_before_template = "admin/mcp/tool_head.html"
    readonly_fields = [
        "name",
        "title",
        "description",
        "input_schema",
        "output_schema",
        "annotations",
        "server_version",
        "sha256",
    ]
    fieldsets = [
        (_("Calls"), {"fields": ["timeout_seconds", "repeatable", "max_retries"]}),
        (_("As approved"), {"fields": ["name", "title", "description", "server_version", "sha256"]}),
        (_("Schemas"), {"fields": ["input_schema", "output_schema", "annotations"]}),
    ]

    def usage_key(self, obj: Tool) -> str:
        return obj.address

    @admin.display(description=_("state"))
    def state(self, tool: Tool) -> SafeString:
        return tool_state(tool)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tool]:
        rows: QuerySet[Tool] = super().get_queryset(request)
        return rows.select_related("server")

    def head(self, request: HttpRequest, obj: Tool) -> dict[str, Any]:
        may = self.has_change_permission(request, obj)
        return {"tool": obj, "state": tool_state(obj), "may_write": may}

    def save_model(self, request: HttpRequest, obj: Tool, form: Any, change: bool) -> None:
        changed = {name: form.cleaned_data[name] for name in form.changed_data}
        services.set_tool_options(Tool.objects.select_related("server").get(pk=obj.pk), changed, by=request.user)

    def delete_model(self, request: HttpRequest, obj: Tool) -> None:
        super().delete_model(request, obj)
        services.release_catalogue(by=request.user)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        super().delete_queryset(request, queryset)
        services.release_catalogue(by=request.user)

    # --- the pages beside the form ------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/diff/", wrap(self.diff_view), name="mcp_tool_diff"),
            path("<int:pk>/try/", wrap(self.try_view), name="mcp_tool_try"),
            path("<int:pk>/call/", wrap(require_POST(self.call_view)), name="mcp_tool_call"),
            path("<int:pk>/approve/", wrap(require_POST(self.approve_view)), name="mcp_tool_approve"),
            path("<int:pk>/forbid/", wrap(require_POST(self.forbid_view)), name="mcp_tool_forbid"),
        ]
        return [*own, *super().get_urls()]

    @needs("mcp:read")
    def diff_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What was approved against what is shown; nothing is changed here."""
        tool = self._tool(request, pk, write=False)
        own = {"changes": services.tool_changes(tool), "whole": tool.seen or tool.as_approved()}
        return self._page(request, tool, "admin/mcp/diff.html", own)

    @needs("mcp:write")
    def approve_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Allow what was looked at."""
        tool = self._tool(request, pk)
        form = ApproveForm(request.POST)
        if not form.is_valid():
            self.message_user(request, _("Look at the tool first."), messages.ERROR)
            return redirect(reverse("admin:mcp_tool_diff", args=[pk]))
        try:
            services.approve_tool(tool, seen_sha256=form.cleaned_data["sha256"], by=request.user)
        except ApiError as exc:
            self.message_user(request, exc.text(), messages.ERROR)
            return redirect(reverse("admin:mcp_tool_diff", args=[pk]))
        self.message_user(request, _("%(tool)s is allowed as it is shown now.") % {"tool": tool}, messages.SUCCESS)
        return redirect(reverse("admin:mcp_tool_change", args=[pk]))

    @needs("mcp:write")
    def forbid_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Allow it no more, unless features need it."""
        tool = self._tool(request, pk)
        try:
            services.set_tool_options(tool, {"allowed": False}, by=request.user)
            self.message_user(request, _("%(tool)s is not allowed any more.") % {"tool": tool}, messages.SUCCESS)
        except ApiError as exc:
            self.message_user(request, exc.text(), messages.ERROR)
        return redirect(reverse("admin:mcp_tool_change", args=[pk]))

    @needs("mcp:write")
    def try_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A form made from the tool's schema; as JSON where no script runs."""
        tool = self._tool(request, pk)
        shown = tool.seen or tool.as_approved()
        form = CallForm(request.POST) if request.method == "POST" else CallForm()
        trial = None
        if form.is_bound and form.is_valid():
            trial = services.try_tool(tool, form.cleaned_data["arguments"], by=request.user)
        own = {
            "form": form,
            "trial": trial,
            "typed": request.POST.get("arguments") or json.dumps(_example(shown["inputSchema"]), ensure_ascii=False),
            "tester": {"schema": shown["inputSchema"], "url": reverse("admin:mcp_tool_call", args=[pk])},
            "admin_assets": entry_assets("src/admin.tsx"),
        }
        return self._page(request, tool, "admin/mcp/try.html", own, status=400 if form.errors else 200)

    @needs("mcp:write")
    def call_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The same call for the generated form: an answer in JSON, whatever happens."""
        tool = self._tool(request, pk)
        form = CallForm(request.POST)
        if not form.is_valid():
            return JsonResponse({"message": form.errors["arguments"][0]}, status=400)
        return JsonResponse(services.try_tool(tool, form.cleaned_data["arguments"], by=request.user).as_dict())

    def check_deletion(self, rows: Sequence[Tool]) -> None:
        super().check_deletion(list(Tool.objects.filter(pk__in=[row.pk for row in rows]).select_related("server")))

    def _tool(self, request: HttpRequest, pk: int, *, write: bool = True) -> Tool:
        tool: Tool = get_object_or_404(self.get_queryset(request), pk=pk)
        allowed = self.has_change_permission if write else self.has_view_or_change_permission
        if not allowed(request, tool):
            raise PermissionDenied
        return tool

    def _page(self, request: HttpRequest, tool: Tool, template: str, own: Any, status: int = 200) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": str(tool),
            "opts": self.model._meta,
            "original": tool,
            **self.head(request, tool),
            **own,
        }
        return render(request, template, context, status=status)


def _example(schema: Any) -> dict[str, Any]:
    """The fields that have to be filled in, each with its default or nothing."""
    fields = schema.get("properties") or {}
    return {name: (fields.get(name) or {}).get("default", "") for name in schema.get("required") or []}
