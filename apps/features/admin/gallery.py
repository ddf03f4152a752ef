"""The gallery in the CMS: cards of ready features, each made one's own with one button."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from unfold.decorators import action

from apps.core.errors import ApiError
from apps.core.permissions import needs
from apps.features.gallery import templates
from apps.features.gallery.importing import import_template
from apps.features.gallery.pictures import picture_of
from apps.features.gallery.rights import may_import
from apps.features.models import Feature


class GalleryPages:
    """Stands before `ModelAdmin`."""

    def gallery_urls(self, wrap: Callable[[Any], Any]) -> list[URLPattern]:
        """The routes of these pages."""
        return [
            path("gallery/", wrap(self.gallery_view), name="features_feature_gallery"),
            path("gallery/<slug:key>/", wrap(require_POST(self.import_view)), name="features_feature_import"),
        ]

    @needs("features:read")
    @action(description=gettext_lazy("Templates"), url_path="go-gallery", icon="auto_awesome_mosaic")  # type: ignore[untyped-decorator]
    def open_gallery(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:features_feature_gallery")

    @needs("features:read")
    def gallery_view(self, request: HttpRequest) -> HttpResponse:
        """Every template, what it is for, and its flow as a picture."""
        language = get_language() or "en"
        cards = [{**one.told(language), "picture": picture_of(one.graph)} for one in templates().values()]
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]  # ModelAdmin's
            "title": _("Templates"),
            "opts": Feature._meta,
            "cards": cards,
            "may_import": may_import(request.user),
        }
        return render(request, "admin/features/gallery.html", context)

    @needs("features:create")
    def import_view(self, request: HttpRequest, key: str) -> HttpResponse:
        """Make a draft of the template, and open it."""
        if not may_import(request.user):
            raise PermissionDenied
        try:
            feature = import_template(key, by=request.user)
        except ApiError as exc:
            self.message_user(request, exc.text(), messages.ERROR)  # type: ignore[attr-defined]  # ModelAdmin's
            return redirect("admin:features_feature_gallery")
        words = _("“%(title)s” is a draft of yours now. Nobody sees it until you publish it.") % {"title": feature}
        self.message_user(request, words, messages.SUCCESS)  # type: ignore[attr-defined]  # ModelAdmin's
        return redirect("admin:features_feature_change", feature.pk)
