"""Tool servers: where they are, how they are, and what they show."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin, TabularInline

from apps.core.admin import column
from apps.core.admin_history import HistoryAdmin
from apps.core.errors import ApiError, StaleRevision
from apps.core.permissions import allows, needs
from apps.core.publishing.usage import Kind
from apps.core.usage_admin import UsedByMixin
from apps.mcp import services, tokens
from apps.mcp.admin.forms import ServerForm, ToolLineForm
from apps.mcp.admin.states import tag, tool_state
from apps.mcp.models import Server, Tool

TOKEN_STATES = {
    "none": ("", _("none")),
    "set": ("live", _("kept")),
    "unreadable": ("problem", _("needs key")),
}


class ToolInline(TabularInline):
    """The tools of a server; each has a page of its own."""

    model = Tool
    form = ToolLineForm
    fields = ["page", "description", "state", "allowed"]
    readonly_fields = ["page", "description", "state"]
    hide_title = True
    extra = 0
    can_delete = False

    @admin.display(description=_("name"))
    def page(self, tool: Tool) -> SafeString:
        address = reverse("admin:mcp_tool_change", args=[tool.pk])
        return format_html('<span class="pb pb-inset"><a href="{}">{}</a></span>', address, tool.name)

    @admin.display(description=_("state"))
    def state(self, tool: Tool) -> SafeString:
        return tool_state(tool)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Server)
class ServerAdmin(UsedByMixin, HistoryAdmin, ModelAdmin):
    form = ServerForm
    usage_kind = "server"
    revertible = False  # an old address would get a token that was entered for another
    list_display = [
        "shown_name",
        "transport",
        "token",
        "health",
        "shown_tools",
        "enabled",
        column("discovered_at", _("tools discovered"), ordering="discovered_at"),
    ]
    list_filter = ["transport", "enabled"]
    list_select_related = ["secret"]
    search_fields = ["key", "name", "url"]
    inlines = [ToolInline]
    actions = ["discover"]
    readonly_fields = ["token"]
    change_form_outer_before_template = "admin/mcp/head.html"
    conditional_fields = {
        "catalogue_id": "transport == 'stdio'",
        "url": "transport != 'stdio'",
        "token_header": "transport != 'stdio'",
        "token": "transport != 'stdio'",
        "new_token": "transport != 'stdio'",
        "remove_token": "transport != 'stdio'",
    }
    fieldsets = [
        (None, {"fields": ["key", "name", "enabled", "seen_revision"]}),
        (
            _("Connection"),
            {"fields": ["transport", "catalogue_id", "url", "token_header", "token", "new_token", "remove_token"]},
        ),
        (_("Calls"), {"fields": ["timeout_seconds", "max_retries", "pin_version"]}),
    ]

    # --- list ---------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Server]:
        version = Q(pin_version=True) & ~Q(tools__server_version="") & ~Q(tools__server_version=F("server_version"))
        blocked = Q(tools__allowed=True) & (~Q(tools__seen_sha256=F("tools__sha256")) | version)
        rows: QuerySet[Server] = super().get_queryset(request)
        return rows.annotate(
            allowed_count=Count("tools", filter=Q(tools__allowed=True)),
            blocked_count=Count("tools", filter=blocked),
        )

    @admin.display(description=_("name"), ordering="name")
    def shown_name(self, server: Server) -> SafeString:
        """With its address beneath: the two are too wide to stand side by side."""
        words = '<span class="pb pb-inset"><span class="pb-name">{}</span><span class="pb-under">{}</span></span>'
        return format_html(words, server.name, server.address)

    @admin.display(description=_("present token"))
    def token(self, server: Server) -> SafeString | str:
        kind, words = TOKEN_STATES[tokens.state(server)]
        if not kind:
            return str(words)
        return format_html("{} {}", tag(kind, words), server.secret.hint)

    @admin.display(description=_("health"))
    def health(self, server: Server) -> SafeString | str:
        if server.checked_at is None:
            return "—"
        if server.last_error:
            return tag("problem", _("error"), server.last_error)
        return tag("live", f"{server.latency_ms} ms")

    @admin.display(description=_("allowed tools"))
    def shown_tools(self, server: Any) -> SafeString | str:
        if not server.blocked_count:
            return str(server.allowed_count)
        blocked = ngettext("%(count)s blocked", "%(count)s blocked", server.blocked_count)
        words = blocked % {"count": server.blocked_count}
        return format_html("{} {}", server.allowed_count, tag("waiting", words))

    # --- one server ---------------------------------------------------------------------------

    def get_inlines(self, request: HttpRequest, obj: Server | None) -> Any:
        """A server that is not there yet has no tools to show."""
        return self.inlines if obj is not None else []

    def usage_parts(self, obj: Server) -> tuple[Kind, list[tuple[str, str]]]:
        return "tool", [(tool.name, f"{obj.key}/{tool.name}") for tool in obj.tools.all()]

    def get_fieldsets(self, request: HttpRequest, obj: Server | None = None) -> Any:
        """Who only reads, or may not write keys, sees no empty field for a token; a new server has none to remove."""
        hidden = set() if obj else {"token", "remove_token"}
        if not ((obj is None or self.has_change_permission(request, obj)) and allows(request.user, "secrets:write")):
            hidden |= {"new_token", "remove_token"}
        return [(name, {"fields": [f for f in given["fields"] if f not in hidden]}) for name, given in self.fieldsets]

    def get_readonly_fields(self, request: HttpRequest, obj: Server | None = None) -> list[str]:
        """Takes the fields for a token out of the form too, for whoever may not write keys."""
        own = ["token"]
        return own if allows(request.user, "secrets:write") else [*own, "new_token", "remove_token"]

    def save_model(self, request: HttpRequest, obj: Server, form: Any, change: bool) -> None:
        if change:
            seen = form.cleaned_data.get("seen_revision") or obj.revision
            obj.revision = services.claim_server(form.initial["key"], seen).revision
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        with transaction.atomic():
            if change and "key" in form.changed_data:
                services.forget_tools(form.instance, by=request.user)
            if token := form.cleaned_data.get("new_token"):
                services.set_token(form.instance, token, by=request.user)
            elif form.cleaned_data.get("remove_token"):
                services.remove_token(form.instance, by=request.user)
            services.release_catalogue(by=request.user)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Two people who save at the same instant: one is saved, the other is told."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except StaleRevision as exc:
            self.message_user(request, exc.text(), messages.ERROR)
            return redirect(request.path)

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: Server) -> None:
        super().delete_model(request, obj)
        services.release_catalogue(by=request.user)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        super().delete_queryset(request, queryset)
        services.release_catalogue(by=request.user)

    # --- what is asked of the server itself ---------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/discover/", wrap(require_POST(self.discover_view)), name="mcp_server_discover"),
            path("<int:pk>/test/", wrap(require_POST(self.test_view)), name="mcp_server_test"),
        ]
        return [*own, *super().get_urls()]

    @needs("mcp:write")
    def discover_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for the tools, and come back to the server's page."""
        server = self._server(request, pk)
        self._discover(request, [server])
        return redirect(reverse("admin:mcp_server_change", args=[pk]))

    @needs("mcp:write")
    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What a fresh connection finds."""
        server = self._server(request, pk)
        probe = services.probe_server(server, by=request.user)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Test of %(server)s") % {"server": server},
            "opts": self.model._meta,
            "original": server,
            "probe": probe,
        }
        return render(request, "admin/mcp/test.html", context)

    def _server(self, request: HttpRequest, pk: int) -> Server:
        server: Server = get_object_or_404(Server.objects.select_related("secret"), pk=pk)
        if not self.has_change_permission(request, server):
            raise PermissionDenied
        return server

    @admin.action(description=_("Discover tools"), permissions=["change"])
    def discover(self, request: HttpRequest, queryset: Any) -> None:
        self._discover(request, queryset)

    def _discover(self, request: HttpRequest, servers: Sequence[Server]) -> None:
        for server in servers:
            try:
                tools = services.discover_tools(server, by=request.user)
            except ApiError as exc:
                said = exc.details.get("upstream", "")
                self.message_user(request, f"{exc.text()} {said}".strip(), messages.ERROR)
                continue
            words = _("%(server)s shows %(count)s tools.") % {"server": server, "count": len(tools)}
            self.message_user(request, words)
