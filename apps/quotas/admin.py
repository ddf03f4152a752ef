"""Credits in the CMS: read-only, because the ledger is written by services alone."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from apps.quotas.models import Account, Entry


class ReadOnly:
    """No adding, changing or deleting through the admin."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class EntryInline(ReadOnly, TabularInline):
    model = Entry
    fields = ["created_at", "kind", "debit", "credit", "amount", "source", "note"]
    readonly_fields = fields
    ordering = ["-id"]
    extra = 0
    per_page = 20
    tab = True


@admin.register(Account)
class AccountAdmin(ReadOnly, ModelAdmin):
    list_display = ["user", "balance", "held", "updated_at"]
    search_fields = ["user__username"]
    list_select_related = ["user"]
    inlines = [EntryInline]
