"""Figures for the admin's first page."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language

from apps.core.grants import permitted
from apps.core.publishing.models import Snapshot
from apps.core.publishing.services import live_versions
from apps.features.audience import words
from apps.features.models import Feature
from apps.features.publishing import SCOPE

RECENT = 6


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK."""
    if not admin.site.get_model_admin(Feature).has_view_permission(request):
        return context
    live = live_versions(SCOPE)
    features = list(permitted(Feature.objects.select_related("menu"), request.user))
    context["catalogue"] = [
        {
            "feature": f,
            "description": words(f.titles()["description"], get_language() or "en"),
            "live": live.get(f.key),
            "url": reverse("admin:features_feature_change", args=[f.pk]),
        }
        for f in features
    ]
    shown = Snapshot.objects.filter(scope=SCOPE)
    if not request.user.has_perm("features.view_feature"):
        shown = shown.filter(key__in=[f.key for f in features])
    context["releases"] = shown.select_related("author").defer("body").order_by("-id")[:RECENT]
    return context
