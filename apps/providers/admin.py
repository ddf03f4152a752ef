"""Model endpoints in the CMS."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget

from apps.core.admin import AdminAssetsMixin
from apps.core.admin_history import HistoryAdmin
from apps.core.permissions import allows
from apps.core.publishing.usage import Kind, Use, named
from apps.core.usage_admin import UsedByMixin
from apps.providers import services
from apps.providers.changes import OfferFormSet, refuse_lost_routes
from apps.providers.handlers import handlers
from apps.providers.models import Endpoint, Offer
from apps.providers.standing_admin import StandingMixin

GO_ON = _("Other models answer from now on for %(names)s.")


class EndpointForm(forms.ModelForm[Endpoint]):
    """The key is written here and never shown again."""

    moved: Sequence[Use] = ()
    new_secret = forms.CharField(
        label=_("API key"),
        required=False,
        strip=True,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=_("Kept encrypted and never shown again. Leave empty to keep the present one."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "handler_key" in self.fields:
            self.fields["handler_key"].widget = UnfoldAdminSelectWidget(choices=[(k, k) for k in sorted(handlers())])

    def clean(self) -> dict[str, Any]:
        """A kept key goes to the address it was entered for, and nowhere else."""
        cleaned = super().clean() or {}
        moved = {"base_url", "handler_key"} & set(self.changed_data)
        if moved and hasattr(self.instance, "secret") and not cleaned.get("new_secret"):
            self.add_error("new_secret", _("Enter the key again: the present one is only for the former address."))
        if self.instance.pk and {"enabled", "handler_key"} & set(self.changed_data):
            self.moved = refuse_lost_routes(self)
        return cleaned

    class Meta:
        model = Endpoint
        fields = [
            "key",
            "name",
            "handler_key",
            "base_url",
            "priority",
            "timeout_seconds",
            "max_retries",
            "enabled",
        ]


class OfferInline(TabularInline):
    model = Offer
    formset = OfferFormSet
    extra = 0
    hide_title = True

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "capabilities":
            field.widget.attrs["rows"] = 1
        return field


@admin.register(Endpoint)
class EndpointAdmin(StandingMixin, UsedByMixin, AdminAssetsMixin, HistoryAdmin, ModelAdmin):
    form = EndpointForm
    usage_kind = "endpoint"
    list_display = ["name", "handler_key", "base_url", "secret_hint", "priority", "enabled"]
    list_filter = ["enabled", "handler_key"]
    list_select_related = ["secret"]
    search_fields = ["key", "name"]
    inlines = [OfferInline]
    readonly_fields = ["secret_hint"]
    change_form_before_template = "admin/providers/head.html"
    fieldsets = [
        (None, {"fields": ["key", "name", "enabled"]}),
        (_("Connection"), {"fields": ["handler_key", "base_url", "secret_hint", "new_secret"]}),
        (_("Routing"), {"fields": ["priority", "timeout_seconds", "max_retries"]}),
    ]

    @admin.display(description=_("key in use"))
    def secret_hint(self, endpoint: Endpoint) -> str:
        return endpoint.secret.hint if hasattr(endpoint, "secret") else str(_("none"))

    def get_readonly_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> list[str]:
        """Takes the field for a key out of the form too, for whoever may not write keys."""
        return self.readonly_fields if allows(request.user, "secrets:write") else [*self.readonly_fields, "new_secret"]

    def get_fieldsets(self, request: HttpRequest, obj: Endpoint | None = None) -> Any:
        """Who only reads, or may not write keys, sees no empty field for a key."""
        writes = obj is None or self.has_change_permission(request, obj)
        if writes and allows(request.user, "secrets:write"):
            return self.fieldsets
        return [
            (title, {"fields": [f for f in given["fields"] if f != "new_secret"]}) for title, given in self.fieldsets
        ]

    def head(self, request: HttpRequest, obj: Endpoint) -> dict[str, Any]:
        handler = handlers().get(obj.handler_key)
        return {"lacks_key": handler is not None and handler.requires_secret and not hasattr(obj, "secret")}

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

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if moved := [use for part in (form, *formsets) for use in getattr(part, "moved", ())]:
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
