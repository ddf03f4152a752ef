"""Who sees and runs a feature, and a way to try it."""

from collections.abc import Callable
from typing import Any, cast

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import get_language
from django.views.decorators.http import require_POST

from apps.accounts.models import User
from apps.core.assets import entry_assets
from apps.core.config import Person, reader
from apps.core.permissions import needs
from apps.features.access import access_table
from apps.features.admin.pages import FeaturePages
from apps.features.audience import audience_of, is_visible, may_run
from apps.features.feed import form
from apps.features.preview import make_link
from apps.features.publishing import SCOPE


class AccessPages(FeaturePages):
    """Stands before `ModelAdmin`."""

    def access_urls(self, wrap: Callable[[Any], Any]) -> list[URLPattern]:
        """The routes of these pages."""
        return [
            path("<int:pk>/access/", wrap(self.access_view), name="features_feature_access"),
            path("<int:pk>/try/", wrap(self.try_view), name="features_feature_try"),
            path("<int:pk>/preview-link/", wrap(require_POST(self.preview_view)), name="features_feature_preview"),
        ]

    @needs("features:read")
    def access_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Roles in words and as a table, the place in the menu, what the reader may do."""
        feature = self.feature_of(request, pk, "view")
        context = self.page_context(request, feature, "access")
        payload = context["standing"].preview.payload
        own = {"payload": payload, "rows": access_table(payload, context["standing"].head)}
        return render(request, "admin/features/access.html", context | own)

    @needs("features:read")
    def try_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The live feature as this person gets it, and the way to the storefront."""
        feature = self.feature_of(request, pk, "view")
        context = self.page_context(request, feature, "try") | {"admin_assets": entry_assets("src/admin.tsx")}
        return render(request, "admin/features/try.html", context | _as_served(feature.key, request.user))

    @needs("features:write")
    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Open the draft in the storefront, through a link that may be passed on for an hour."""
        feature = self.feature_of(request, pk, "change", "publish")
        return redirect(make_link(feature.key, by=cast(User, request.user)).url)


def _as_served(key: str, user: Any) -> dict[str, Any]:
    """Which version this person gets of `key`, and its form; nothing when they get none."""
    roles = user.role_names
    person, language = Person(id=str(user.pk), roles=roles), get_language() or "en"
    who = audience_of(person)
    version, payload = reader.served(SCOPE, person).get(key, (0, None))
    if payload is None:
        return {"served": None}
    return {
        "served": version,
        "is_candidate": key in reader.candidates_for(SCOPE, person),
        "sees": is_visible(payload, who),
        "runs": may_run(payload, who),
        "form_preview": {**msgspec.to_builtins(form(payload, language, roles)), "language": language},
    }
