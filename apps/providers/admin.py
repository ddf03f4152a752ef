"""Model endpoints in the CMS."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, reverse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, StackedInline

from apps.core.admin import AdminAssetsMixin
from apps.core.admin_history import HistoryAdmin
from apps.core.errors import StaleRevision
from apps.core.permissions import allows
from apps.core.publishing.errors import PublishConflict
from apps.core.publishing.usage import Kind, Use, named
from apps.core.usage_admin import UsedByMixin
from apps.providers import services
from apps.providers.changes import OfferFormSet
from apps.providers.connection_admin import ConnectionPages
from apps.providers.endpoint_form import EndpointForm
from apps.providers.handlers import handlers
from apps.providers.models import Endpoint, EndpointHealth, Offer
from apps.providers.offer_form import OfferForm
from apps.providers.prices_admin import PricePages
from apps.providers.standing_admin import StandingMixin

GO_ON = _("Other models answer from now on for %(names)s.")


class OfferInline(StackedInline):
    model = Offer
    form = OfferForm
    formset = OfferFormSet
    extra = 0
    collapsible = True
    hide_title = True
    fieldsets = [
        (None, {"fields": [("model", "enabled"), "capabilities", ("context_window", "max_output"), "quality"]}),
        (
            _("Prices in credits; empty is unknown, 0 is free"),
            {"fields": [("price_input", "price_output", "price_cached"), ("price_image", "price_call")]},
        ),
    ]


class HealthFilter(admin.SimpleListFilter):
    """By what the last test found."""

    title = _("health")
    parameter_name = "health"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("ok", _("works")), ("failed", _("does not work")), ("unknown", _("not tested"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        wanted = {
            "ok": {"health__ok": True},
            "failed": {"health__ok": False},
            "unknown": {"health__ok__isnull": True},
        }.get(self.value() or "")
        return queryset.filter(**wanted) if wanted else queryset


class KeyFilter(admin.SimpleListFilter):
    """By whether there is a key."""

    title = _("key")
    parameter_name = "has_key"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("with a key")), ("no", _("without a key"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(secret__isnull=self.value() == "no") if self.value() in ("yes", "no") else queryset


@admin.register(Endpoint)
class EndpointAdmin(
    StandingMixin, ConnectionPages, PricePages, UsedByMixin, AdminAssetsMixin, HistoryAdmin, ModelAdmin
):
    form = EndpointForm
    usage_kind = "endpoint"
    list_display = ["shown_name", "health_state", "key_state", "handler_key", "priority", "enabled"]
    list_filter = ["enabled", "kind", "handler_key", HealthFilter, KeyFilter]
    list_select_related = ["secret", "health"]
    search_fields = ["key", "name", "offers__model"]
    inlines = [OfferInline]
    readonly_fields = ["key_state", "health_state"]
    list_before_template = "admin/providers/list_head.html"
    change_form_before_template = "admin/providers/head.html"
    fieldsets: Any = [
        (
            _("Connection"),
            {
                "classes": ["tab"],
                "fields": [
                    ("name", "key"),
                    ("handler_key", "kind"),
                    "base_url",
                    "key_state",
                    "new_secret",
                    "enabled",
                    "seen_revision",
                ],
            },
        ),
        (
            _("Limits"),
            {
                "classes": ["tab"],
                "fields": [
                    ("priority", "weight"),
                    ("timeout_seconds", "first_byte_seconds", "max_retries"),
                    ("max_concurrency", "rpm", "tpm"),
                ],
            },
        ),
        (_("Health"), {"classes": ["tab"], "fields": ["health_state"]}),
    ]

    # --- what is shown ------------------------------------------------------------------------

    @admin.display(description=_("name"), ordering="name")
    def shown_name(self, endpoint: Endpoint) -> str:
        """With its address beneath: the two are too wide to stand side by side."""
        return render_to_string("admin/providers/name.html", {"endpoint": endpoint})

    @admin.display(description=_("present API key"), ordering="secret__hint")
    def key_state(self, endpoint: Endpoint) -> str:
        state = services.key_state(endpoint)
        secret = getattr(endpoint, "secret", None)
        context = {"state": state, "label": state.label, "hint": secret.hint if secret else ""}
        return render_to_string("admin/providers/key.html", context)

    @admin.display(description=_("health"), ordering="health__ok")
    def health_state(self, endpoint: Endpoint) -> str:
        health: EndpointHealth | None = getattr(endpoint, "health", None)
        return render_to_string("admin/providers/health.html", {"health": health})

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [*self.connection_urls(wrap), *self.price_urls(wrap), *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> list[str]:
        """Takes the field for a key out of the form too, for whoever may not write keys."""
        return self.readonly_fields if allows(request.user, "secrets:write") else [*self.readonly_fields, "new_secret"]

    def get_fieldsets(self, request: HttpRequest, obj: Endpoint | None = None) -> Any:
        """Who only reads sees no empty field for a key; a new endpoint has no health."""
        writes = obj is None or self.has_change_permission(request, obj)
        hidden = set() if obj else {"key_state", "health_state"}
        if not (writes and allows(request.user, "secrets:write")):
            hidden.add("new_secret")
        if not writes:
            hidden.add("seen_revision")
        shown = [(name, {**given, "fields": _without(given["fields"], hidden)}) for name, given in self.fieldsets]
        return [(name, given) for name, given in shown if given["fields"]]

    def head(self, request: HttpRequest, obj: Endpoint) -> dict[str, Any]:
        handler = handlers().get(obj.handler_key)
        state = services.key_state(obj)
        return {
            "lacks_key": handler is not None and handler.requires_secret and not hasattr(obj, "secret"),
            "unreadable_key": state == EndpointHealth.KeyState.UNREADABLE,
            "no_handler": handler is None,
        }

    # --- rules of deletion --------------------------------------------------------------------

    def usage_parts(self, obj: Endpoint) -> tuple[Kind, list[tuple[str, str]]]:
        return "model", [(offer.model, f"{obj.key}/{offer.model}") for offer in obj.offers.all()]

    def check_deletion(self, rows: Sequence[Endpoint]) -> None:
        services.refuse_removal(rows)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Where others can answer, deletion is allowed; whom it touches is said before."""
        told = super().get_deleted_objects(objs, request)
        moved = services.effects_of_removal(objs).moved
        if moved and not told[-1] and not request.POST.get("post"):
            self.message_user(request, GO_ON % {"names": named(moved)}, messages.WARNING)
        return told

    # --- saving -------------------------------------------------------------------------------

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Two people who save at the same instant: one is saved, the other gets the form back and is told."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except StaleRevision:
            return super().changeform_view(request, object_id, form_url, extra_context)  # the form judges it now
        except PublishConflict as exc:
            self.message_user(request, exc.text(), messages.ERROR)
            return redirect(request.path)

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        if change and (seen := form.cleaned_data.get("seen_revision")) is not None:
            former = form.initial.get("key", obj.key)
            obj.revision = services.claim_revision(former, seen).revision
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        moved: list[Use] = [use for part in (form, *formsets) for use in getattr(part, "moved", ())]
        if moved:
            self.message_user(request, GO_ON % {"names": named(moved)}, messages.WARNING)
        with transaction.atomic():
            if plaintext := form.cleaned_data.get("new_secret"):
                services.set_secret(form.instance, plaintext, by=request.user)
            services.release_catalogue(by=request.user)

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: Endpoint) -> None:
        super().delete_model(request, obj)
        services.release_catalogue(by=request.user)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        super().delete_queryset(request, queryset)
        services.release_catalogue(by=request.user)

    def page_of(self, endpoint: Endpoint) -> str:
        """The address of the endpoint's page."""
        return reverse("admin:providers_endpoint_change", args=[endpoint.pk])


def _without(fields: Sequence[Any], hidden: set[str]) -> list[Any]:
    kept = [tuple(f for f in row if f not in hidden) if isinstance(row, tuple) else row for row in fields]
    return [row for row in kept if row and row not in hidden]
