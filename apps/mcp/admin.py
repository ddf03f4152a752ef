"""Tool servers in the CMS."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminSelectWidget

from apps.core.errors import ApiError
from apps.mcp import services
from apps.mcp.models import Server, Tool


class ServerForm(forms.ModelForm[Server]):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "catalogue_id" in self.fields:
            choices = [(entry, entry) for entry in settings.MCP_STDIO_CATALOGUE]
            self.fields["catalogue_id"].widget = UnfoldAdminSelectWidget(choices=choices)

    class Meta:
        model = Server
        fields = ["key", "name", "transport", "catalogue_id", "timeout_seconds", "enabled"]


class ToolInline(TabularInline):
    model = Tool
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
class ServerAdmin(ModelAdmin):
    form = ServerForm
    list_display = ["name", "transport", "catalogue_id", "enabled", "discovered_at"]
    search_fields = ["key", "name"]
    inlines = [ToolInline]
    actions = ["discover"]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        services.release_catalogue(by=request.user)

    def delete_model(self, request: HttpRequest, obj: Server) -> None:
        super().delete_model(request, obj)
        services.release_catalogue(by=request.user)

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
