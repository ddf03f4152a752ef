"""Tool servers in the CMS."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminSelectWidget

from apps.core.errors import ApiError
from apps.core.publishing.usage import Kind
from apps.core.usage_admin import KeptNameForm, UsedByMixin, refuse_in_form
from apps.mcp import services
from apps.mcp.models import Server, Tool


class ServerForm(KeptNameForm):
    """What features use stays under its name and switched on."""

    usage_kind = "server"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "catalogue_id" in self.fields:
            choices = [(entry, entry) for entry in settings.MCP_STDIO_CATALOGUE]
            self.fields["catalogue_id"].widget = UnfoldAdminSelectWidget(choices=choices)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.instance.pk and "enabled" in self.changed_data and not cleaned.get("enabled"):
            refuse_in_form(self, "enabled", "server", [str(self.initial["key"])])
        return cleaned

    class Meta:
        model = Server
        fields = ["key", "name", "transport", "catalogue_id", "timeout_seconds", "enabled"]


class ToolForm(forms.ModelForm[Tool]):
    """A tool that features use stays allowed."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.instance.pk and "allowed" in self.changed_data and not cleaned.get("allowed"):
            refuse_in_form(self, "allowed", "tool", [self.instance.address])
        return cleaned

    class Meta:
        model = Tool
        fields = ["allowed"]


class ToolInline(TabularInline):
    model = Tool
    form = ToolForm
    fields = ["name", "description", "as_approved", "allowed"]
    readonly_fields = ["name", "description", "as_approved"]
    hide_title = True
    extra = 0
    can_delete = False

    @admin.display(boolean=True, description=_("as approved"))
    def as_approved(self, tool: Tool) -> bool:
        return not tool.is_changed

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Server)
class ServerAdmin(UsedByMixin, ModelAdmin):
    form = ServerForm
    usage_kind = "server"
    list_display = ["name", "transport", "catalogue_id", "enabled", "discovered_at"]
    search_fields = ["key", "name"]
    inlines = [ToolInline]
    actions = ["discover"]

    def usage_parts(self, obj: Server) -> tuple[Kind, list[tuple[str, str]]]:
        return "tool", [(tool.name, f"{obj.key}/{tool.name}") for tool in obj.tools.all()]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        services.release_catalogue(by=request.user)

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: Server) -> None:
        super().delete_model(request, obj)
        services.release_catalogue(by=request.user)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        super().delete_queryset(request, queryset)
        services.release_catalogue(by=request.user)

    @admin.action(description=_("Discover tools"), permissions=["change"])
    def discover(self, request: HttpRequest, queryset: Any) -> None:
        for server in queryset:
            try:
                tools = services.discover_tools(server, by=request.user)
                self.message_user(
                    request, _("%(server)s shows %(count)s tools.") % {"server": server, "count": len(tools)}
                )
            except ApiError as exc:
                self.message_user(request, exc.text(), messages.ERROR)
