"""The catalogue in the CMS: read a feature whole, publish it, compare versions, roll back."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import ManyToManyField, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from apps.core import grants
from apps.core.admin import AdminAssetsMixin
from apps.core.admin_grants import GrantsMixin
from apps.core.admin_history import HistoryAdmin
from apps.core.errors import ApiError, StaleRevision
from apps.core.permissions import needs
from apps.core.publishing import services as publishing
from apps.core.publishing.models import Head
from apps.core.usage_admin import GuardedDeletionMixin, UsedByMixin
from apps.features import services
from apps.features.models import Feature, MenuGroup
from apps.features.overview import overview, steps_of
from apps.features.publishing import SCOPE


@admin.register(MenuGroup)
class MenuGroupAdmin(UsedByMixin, ModelAdmin):
    usage_kind = "menu"
    list_display = ["title", "title_zh", "key", "order"]
    list_editable = ["order"]


class FeatureForm(forms.ModelForm[Feature]):
    """Refuses to overwrite what somebody else saved since this page was opened."""

    seen_revision = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen_revision"].initial = self.instance.revision

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        seen = cleaned.get("seen_revision")
        current = Feature.objects.filter(pk=self.instance.pk).values_list("revision", flat=True).first()
        if current is not None and seen != current:
            raise forms.ValidationError(
                _("Somebody else saved this feature meanwhile. Reload the page and change it again.")
            )
        return cleaned

    class Meta:
        model = Feature
        fields = "__all__"  # noqa: DJ007 - the admin's fieldsets choose


@admin.register(Feature)
class FeatureAdmin(GuardedDeletionMixin, AdminAssetsMixin, GrantsMixin, HistoryAdmin, ModelAdmin):
    form = FeatureForm
    list_display = ["shown_title", "key", "menu", "live", "cost", "enabled"]
    list_filter = ["menu", "enabled"]
    list_select_related = ["menu", "pipeline"]
    search_fields = ["key", "title", "title_zh"]
    formfield_overrides = {ManyToManyField: {"widget": UnfoldAdminCheckboxSelectMultipleWidget}}
    change_form_before_template = "admin/features/overview.html"
    actions_detail = ["open_publish", "open_versions", "open_access"]
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
            {"classes": ["tab"], "fields": [("menu", "order"), ("enabled", "cost"), "roles"]},
        ),
        (_("Form"), {"classes": ["tab"], "fields": ["form_schema", "ui_schema"]}),
        (_("Result"), {"classes": ["tab"], "fields": ["output_schema", "output_ui"]}),
        (_("Pipeline"), {"classes": ["tab"], "fields": ["pipeline"]}),
    ]

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
        return ["key"] if obj else []

    def head(self, request: HttpRequest, obj: Feature) -> dict[str, Any]:
        return overview(obj)

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

    @needs("features:publish")
    @action(description=_("Publish"), url_path="go-publish", permissions=["publish"], icon="rocket_launch")  # type: ignore[untyped-decorator]
    def open_publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("admin:features_feature_publish", object_id)

    @needs("features:read")
    @action(description=_("Versions"), url_path="go-versions", permissions=["view"], icon="history")  # type: ignore[untyped-decorator]
    def open_versions(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("admin:features_feature_versions", object_id)

    def has_publish_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "publish", obj)

    def has_rollback_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "rollback", obj)

    # --- publish, compare, roll back ----------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        def wrap(view: Any) -> Any:
            return self.admin_site.admin_view(view)

        own = [
            path("<int:pk>/publish/", wrap(self.publish_view), name="features_feature_publish"),
            path("<int:pk>/versions/", wrap(self.versions_view), name="features_feature_versions"),
            path("<int:pk>/rollback/", wrap(require_POST(self.rollback_view)), name="features_feature_rollback"),
        ]
        return own + super().get_urls()  # type: ignore[no-any-return]

    def _feature(self, request: HttpRequest, pk: int, permission: str) -> Feature:
        """The feature that a page is about: 404 for who may not see it, 403 for who may not do this to it."""
        rows = grants.permitted(Feature.objects.select_related("menu", "pipeline"), request.user)
        feature: Feature = get_object_or_404(rows, pk=pk)
        if not getattr(self, f"has_{permission}_permission")(request, feature):
            raise PermissionDenied
        return feature

    @needs("features:publish")
    def publish_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What would go live, what stands in the way; a POST publishes."""
        feature = self._feature(request, pk, "publish")
        if request.method == "POST":
            return self._publish(request, feature)
        seen = publishing.preview(SCOPE, feature.key)
        context = self._context(request, feature, _("Publish")) | {"preview": seen, "steps": steps_of(seen.payload)}
        return render(request, "admin/features/publish.html", context)

    def _publish(self, request: HttpRequest, feature: Feature) -> HttpResponse:
        try:
            snapshot = services.publish_feature(feature.key, by=request.user, note=request.POST.get("note", "")[:500])
        except ApiError as exc:
            self.message_user(request, exc.text(), messages.ERROR)
            return redirect("admin:features_feature_publish", feature.pk)
        text = _("Version %(version)s is live. Every front end shows it now.") % {"version": snapshot.version}
        self.message_user(request, text, messages.SUCCESS)
        return redirect("admin:features_feature_versions", feature.pk)

    @needs("features:read")
    def versions_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The released versions, and the differences between two of them."""
        feature = self._feature(request, pk, "view")
        released = publishing.versions(SCOPE, feature.key)
        live = publishing.live_snapshot(SCOPE, feature.key)
        context = self._context(request, feature, _("Versions")) | {
            "versions": released,
            "live": live.version if live else None,
            "may_roll_back": self.has_rollback_permission(request, feature),
            **self._compared(request, feature, released),
        }
        return render(request, "admin/features/versions.html", context)

    def _compared(self, request: HttpRequest, feature: Feature, released: list[Any]) -> dict[str, Any]:
        numbers = [snapshot.version for snapshot in released]
        new = _number(request.GET.get("to"), numbers[0] if numbers else 0)
        old = _number(request.GET.get("from"), new - 1)
        if old not in numbers or new not in numbers:
            return {"old": None, "new": None, "changes": []}
        changes = publishing.diff_versions(SCOPE, feature.key, old=old, new=new)
        return {"old": old, "new": new, "changes": changes, "summary": _counted(len(changes))}

    @needs("features:rollback")
    def rollback_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One click: the old version is live again, as a new version."""
        feature = self._feature(request, pk, "rollback")
        version = _number(request.POST.get("version"), 0)
        try:
            snapshot = services.rollback_feature(feature.key, to_version=version, by=request.user)
        except ApiError as exc:
            self.message_user(request, exc.text(), messages.ERROR)
        else:
            words = _("Rolled back: version %(new)s is live, with the content of version %(old)s.")
            self.message_user(request, words % {"new": snapshot.version, "old": version}, messages.SUCCESS)
        return redirect(reverse("admin:features_feature_versions", args=[feature.pk]))

    def _context(self, request: HttpRequest, feature: Feature, title: Any) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": f"{feature}: {title}",
            "opts": self.model._meta,
            "feature": feature,
            "original": feature,
        }


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else default


def _counted(count: int) -> str:
    return ngettext("%(count)s difference", "%(count)s differences", count) % {"count": count}
