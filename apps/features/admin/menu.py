"""The headings of the menu."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from apps.core.usage_admin import UsedByMixin
from apps.features.models import MenuGroup


@admin.register(MenuGroup)
class MenuGroupAdmin(UsedByMixin, ModelAdmin):
    usage_kind = "menu"
    list_display = ["title", "title_zh", "key", "order"]
    list_editable = ["order"]
