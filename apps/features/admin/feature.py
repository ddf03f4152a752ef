"""Features in the CMS: the list, and the draft with its form as users see it."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.contrib import admin, messages
from django.db.models import ManyToManyField, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import URLPattern
from django.utils.functional import SimpleLazyObject
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from apps.core.admin import AdminAssetsMixin
from apps.core.admin_grants import GrantsMixin
from apps.core.admin_history import HistoryAdmin
from apps.core.errors import StaleRevision
from apps.core.publishing.models import Head
from apps.core.usage_admin import GuardedDeletionMixin
from apps.features import services
from apps.features.admin.access import AccessPages
from apps.features.admin.forms import FeatureForm
from apps.features.admin.gallery import GalleryPages
from apps.features.admin.release import ReleasePages
from apps.features.admin.wizard import WizardPages
from apps.features.models import Feature
from apps.features.overview import overview
from apps.features.publishing import SCOPE


@admin.register(Feature)
class FeatureAdmin(
    ReleasePages,
    AccessPages,
    GalleryPages,
    WizardPages,
    GuardedDeletionMixin,
    AdminAssetsMixin,
    GrantsMixin,
    HistoryAdmin,
    ModelAdmin,
):
    form = FeatureForm
    list_display = ["shown_title", "key", "menu", "live", "cost", "enabled"]
    list_filter = ["menu", "enabled"]
    list_select_related = ["menu", "pipeline"]
    search_fields = ["key", "title", "title_zh"]
    formfield_overrides = {ManyToManyField: {"widget": UnfoldAdminCheckboxSelectMultipleWidget}}
    actions_detail = ["open_access"]
    actions_list = ["open_wizard", "open_gallery"]
    change_form_outer_before_template = "admin/features/head.html"
    fieldsets = [
        (
            _("Basics"),
            {
                "classes": ["tab"],
                "fields": [
                    ("title", "title_zh"),
                    ("description", "description_zh"),
                    ("key", "icon"),
                    "seen_revision",
                ],
            },
        ),
        (
            _("Menu and price"),
            {"classes": ["tab"], "fields": [("menu", "order"), ("enabled", "cost"), "roles", "needs_approval"]},
        ),
        (_("Form"), {"classes": ["tab", "pb-beside"], "fields": ["form_schema", "ui_schema"]}),
        (_("Result"), {"classes": ["tab"], "fields": ["output_schema", "output_ui", "table"]}),
        (_("Pipeline"), {"classes": ["tab"], "fields": ["pipeline", "degrade"]}),
    ]
    # What stands above the fields of a tab, by the first field: drawn from the draft, and following what is typed.
    pictures = {"form_schema": "admin/features/form_preview.html", "pipeline": "admin/features/pipeline.html"}

    # --- list ---------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Feature]:
        heads = Head.objects.filter(scope=SCOPE, key=OuterRef("key"))
        rows: QuerySet[Feature] = super().get_queryset(request)
        return rows.annotate(live_version=Subquery(heads.values("version")[:1]))

    @admin.display(description=_("title"), ordering="title")
    def shown_title(self, feature: Feature) -> str:
        return str(feature)

    @admin.display(description=_("live"), ordering="live_version")
    def live(self, feature: Any) -> SafeString | str:
        return format_html("<b>v{}</b>", feature.live_version) if feature.live_version else "—"

    # --- one feature --------------------------------------------------------------------------

    def get_prepopulated_fields(self, request: HttpRequest, obj: Feature | None = None) -> dict[str, Any]:
        return {} if obj else {"key": ["title"]}

    def get_readonly_fields(self, request: HttpRequest, obj: Feature | None = None) -> list[str]:
        own = ["key"] if obj else []
        return own if self.has_publish_permission(request, obj) else [*own, "needs_approval"]

    def get_fieldsets(self, request: HttpRequest, obj: Feature | None = None) -> list[Any]:
        """The forms' tabs, with a picture of the draft above the fields that make it."""
        context = cache(lambda: overview(obj) if obj else {})

        def pictured(options: dict[str, Any]) -> dict[str, Any]:
            template = self.pictures.get(options["fields"][0]) if obj else None
            if template is None:
                return options
            return {**options, "description": SimpleLazyObject(cache(lambda: render_to_string(template, context())))}

        return [(name, pictured(options)) for name, options in super().get_fieldsets(request, obj)]

    def head(self, request: HttpRequest, obj: Feature) -> dict[str, Any]:
        return self.head_context(request, obj, "change")

    def check_deletion(self, rows: Sequence[Feature]) -> None:
        services.refuse_live(rows)

    def save_model(self, request: HttpRequest, obj: Feature, form: Any, change: bool) -> None:
        if change:
            obj.revision = services.claim_revision(obj.key, form.cleaned_data["seen_revision"]).revision
        super().save_model(request, obj, form, change)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Two people who save at the same instant: one is saved, the other is told."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except StaleRevision as exc:
            self.message_user(request, exc.text(), messages.ERROR)
            return redirect(request.path)

    # --- the pages beside the form ------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            *self.gallery_urls(wrap),
            *self.wizard_urls(wrap),
            *self.release_urls(wrap),
            *self.access_urls(wrap),
            *super().get_urls(),
        ]
