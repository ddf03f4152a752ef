"""Credits in the CMS: read-only, because the ledger is written by services alone."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline

from apps.core.admin import column
from apps.core.admin_history import HistoryAdmin
from apps.quotas.models import Account, Entry, UserBudget


class ReadOnly:
    """No adding, changing or deleting through the admin."""

    read_only = True  # for whoever asks from outside, as the role walk does

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class EntryInline(ReadOnly, TabularInline):
    model = Entry
    fields = [
        column("created_at", _("time")),
        column("kind", _("kind")),
        column("debit", _("from")),
        column("credit", _("to")),
        column("amount", _("credits")),
        column("source", _("task or reason")),
        column("note", _("note")),
    ]
    readonly_fields = fields
    ordering = ["-id"]
    extra = 0
    per_page = 20
    tab = True


@admin.register(Account)
class AccountAdmin(ReadOnly, ModelAdmin):
    fields = [column("user", _("user")), "balance", "held", column("updated_at", _("last change"))]
    readonly_fields = fields
    list_display = [column("user", _("user"), ordering="user__username"), *fields[1:]]
    search_fields = ["user__username"]
    list_select_related = ["user"]
    inlines = [EntryInline]


@admin.register(UserBudget)
class UserBudgetAdmin(HistoryAdmin, ModelAdmin):
    """One person's limit. Without a row the setting for everybody holds."""

    list_before_template = "admin/quotas/budgets.html"
    list_display = ["user", "shown_credits", "period"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    autocomplete_fields = ["user"]

    @admin.display(description=_("credits"), ordering="credits")
    def shown_credits(self, budget: UserBudget) -> str:
        """A dash would leave open whether nothing or everything is allowed."""
        return str(_("no limit")) if budget.credits is None else f"{budget.credits:,}"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        period = dict(UserBudget.Period.choices).get(settings.USER_BUDGET_PERIOD, settings.USER_BUDGET_PERIOD)
        usual = {"usual_credits": settings.USER_BUDGET, "usual_period": period}
        return super().changelist_view(request, {**(extra_context or {}), **usual})
