"""API keys in the CMS: made here and shown once, looked at, revoked with a question first."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from apps.accounts.errors import KeyTooPowerful, TooManyKeys
from apps.accounts.keys.form import KeyForm
from apps.accounts.keys.scopes import Scopes
from apps.accounts.keys.services import NewKey, create_key, revoke_key
from apps.accounts.keys.spending import spending
from apps.accounts.models import ApiKey, User
from apps.core.admin import column
from apps.core.admin_history import HistoryAdmin
from apps.core.errors import Forbidden
from apps.core.permissions import needs

MICRO = 1_000_000
NEARLY = 90  # percent of a budget; from there on its bar warns
METER = (
    '<span class="pb pb-inline pb-spent"><span class="pb-meter" aria-hidden="true">'
    '<i style="width:{}%" class="{}"></i></span>{}</span>'
)
STATES = {"active": _("active"), "expired": _("expired"), "revoked": _("revoked")}
TAGS = {"active": "live", "expired": "waiting", "revoked": "cancelled"}


class StateFilter(admin.SimpleListFilter):
    title, parameter_name = _("state"), "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(STATES.items())

    def queryset(self, request: HttpRequest, queryset: "QuerySet[ApiKey]") -> "QuerySet[ApiKey]":
        past = {"revoked_at": None, "expires_at__lte": timezone.now()}
        if self.value() == "revoked":
            return queryset.exclude(revoked_at=None)
        if self.value() == "expired":
            return queryset.filter(**past)
        return queryset.filter(revoked_at=None).exclude(**past) if self.value() == "active" else queryset


class KeyList(ChangeList):
    """With what each key of the page has spent."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = list(self.result_list)
        spent = spending([key for key in rows if key.budget is not None])
        for key in rows:
            key.spent_micro = spent.get(key.pk, 0)
        self.result_list = rows


@admin.register(ApiKey)
class ApiKeyAdmin(HistoryAdmin, ModelAdmin):
    form = KeyForm
    revertible = False  # a key that was revoked stays so
    list_display = [
        "name",
        "shown_key",
        "user",
        "shown_state",
        "shown_budget",
        column("last_used_at", _("last used"), ordering="last_used_at"),
        column("created_at", _("created"), ordering="created_at"),
    ]
    list_filter = [StateFilter]
    list_select_related = ["user"]
    search_fields = ["name", "prefix", "last4", "user__username"]
    autocomplete_fields = ["user"]
    ordering = ["-created_at", "-id"]
    change_form_before_template = "admin/accounts/key_head.html"
    add_fieldsets = [
        (None, {"fields": ["name", "user", "expires_at"]}),
        (_("May do"), {"fields": ["features", "models", "ips", "admin"]}),
        (_("May spend on models"), {"fields": ["budget", "budget_period"]}),
    ]
    shown = [
        "name",
        "shown_key",
        "user",
        "shown_state",
        "shown_features",
        "shown_models",
        "shown_ips",
        "shown_admin",
        "shown_budget",
        column("expires_at", _("expires")),
        column("last_used_at", _("last used")),
        column("created_at", _("created")),
        column("created_by", _("created by")),
        column("revoked_at", _("revoked")),
    ]

    # --- what is shown ------------------------------------------------------------------------

    @admin.display(description=_("API key"), ordering="prefix")
    def shown_key(self, key: ApiKey) -> str:
        return format_html('<code style="white-space:nowrap">{}</code>', key.masked)

    @admin.display(description=_("state"))
    def shown_state(self, key: ApiKey) -> str:
        state = key.state(timezone.now())
        tag = '<span class="pb pb-inline"><span class="pb-tag pb-tag--{}">{}</span></span>'
        return format_html(tag, TAGS[state], STATES[state])

    @admin.display(description=_("budget"))
    def shown_budget(self, key: ApiKey) -> str:
        if key.budget is None:
            return str(_("no limit"))
        spent = getattr(key, "spent_micro", None)
        if spent is None:
            spent = spending([key]).get(key.pk, 0)
        share = min(100, round(100 * spent / (key.budget * MICRO))) if key.budget else 100
        words = _("%(spent)s of %(budget)s credits %(period)s") % {
            "spent": f"{spent / MICRO:.2f}".rstrip("0").rstrip("."),
            "budget": key.budget,
            "period": key.get_budget_period_display(),
        }
        return format_html(METER, share, "pb-meter__full" if share >= NEARLY else "", words)

    @admin.display(description=_("features"))
    def shown_features(self, key: ApiKey) -> str:
        return _listed(key.scopes.get("features"))

    @admin.display(description=_("models"))
    def shown_models(self, key: ApiKey) -> str:
        return _listed(key.scopes.get("models"))

    @admin.display(description=_("addresses"))
    def shown_ips(self, key: ApiKey) -> str:
        return ", ".join(key.scopes.get("ips") or ()) or str(_("anywhere"))

    @admin.display(description=_("for the management API"), boolean=True)
    def shown_admin(self, key: ApiKey) -> bool:
        return bool(key.scopes.get("admin"))

    # --- a key is never changed: it is looked at ----------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return self.add_fieldsets if obj is None else [(None, {"fields": self.shown})]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return [] if obj is None else self.shown

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"user": request.user.pk, **super().get_changeform_initial_data(request)}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return KeyList

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        key = self.get_object(request, object_id) if object_id else None
        may = key is not None and key.revoked_at is None and _may_revoke(request)
        context = {**(extra_context or {}), "revoke_url": _revoke_url(key) if key is not None and may else ""}
        context |= {"show_save": not object_id, "show_save_and_continue": False, "show_save_and_add_another": False}
        return super().changeform_view(request, object_id, form_url, context)

    # --- making one ---------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        """What the service refuses is told in the form, with everything that was typed."""
        try:
            return super().add_view(request, form_url, extra_context)
        except (KeyTooPowerful, TooManyKeys, Forbidden) as exc:
            refusal = ValidationError(exc.text())
        except ValidationError as exc:
            refusal = exc
        request.key_refusal = refusal  # type: ignore[attr-defined]  # for the form of this request alone
        return super().add_view(request, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """A class of its own for each call, so that a refusal reaches nobody else's form."""
        form = super().get_form(request, obj, change=change, **kwargs)
        form.refusal = getattr(request, "key_refusal", None)
        return form

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            return
        given = form.cleaned_data
        wanted: Scopes = given["scopes"]
        made = create_key(
            obj.user,
            by=cast(User, request.user),
            name=obj.name,
            scopes=wanted,
            budget=obj.budget,
            budget_period=obj.budget_period,
            expires_at=obj.expires_at,
        )
        obj.__dict__.update({k: v for k, v in made.row.__dict__.items() if k != "_state"})
        obj._state.adding, obj._state.db = False, made.row._state.db
        request.made_key = made  # type: ignore[attr-defined]  # for the answer to this request alone

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """The one page that shows the key. It is kept nowhere: no redirect, no message, no history of the browser."""
        made: NewKey = request.made_key  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),
            "title": _("The new API key"),
            "made": made,
            "opts": self.opts,
        }
        return render(request, "admin/accounts/key_made.html", context)  # never cached, as all of the admin

    # --- ending one ---------------------------------------------------------------------------

    def get_urls(self) -> Any:
        revoke = self.admin_site.admin_view(self.revoke_view)
        return [path("<path:object_id>/revoke/", revoke, name="accounts_apikey_revoke"), *super().get_urls()]

    @needs("keys:write")
    def revoke_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asks on GET, revokes on POST."""
        if not _may_revoke(request):
            raise PermissionDenied
        key = self.get_object(request, object_id)
        if key is None:
            raise Http404
        if request.method == "POST":
            revoke_key(key.pk, by=cast(User, request.user))
            self.message_user(request, _("The API key “%(key)s” is revoked.") % {"key": key}, messages.SUCCESS)
            return redirect("admin:accounts_apikey_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Revoke an API key"),
            "key": key,
            "opts": self.opts,
        }
        return render(request, "admin/accounts/key_revoke.html", context)


def _may_revoke(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("accounts.change_apikey"))


def _revoke_url(key: ApiKey) -> str:
    return reverse("admin:accounts_apikey_revoke", args=[key.pk])


def _listed(names: list[str] | None) -> str:
    return str(_("all")) if names is None else ", ".join(names) or str(_("none"))
