"""The button that tests a connection, its result in place, and models taken over from what it lists."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from apps.core.permissions import allows, needs
from apps.providers import services
from apps.providers.connection import Found, look
from apps.providers.models import Endpoint
from apps.providers.services.health import probe_with

PART = "X-Paiban-Part"  # of a request that wants the result alone, to show it in place
MOST_TAKEN = 200  # models at once

Wrap = Callable[[Any], Any]


class ConnectionPages:
    """Stands before `ModelAdmin` of endpoints. What is tested is what the form says now, saved or not."""

    def connection_urls(self, wrap: Wrap) -> list[URLPattern]:
        return [
            path("test/", wrap(require_POST(self.test_new_view)), name="providers_endpoint_test_new"),
            path("<int:pk>/test/", wrap(require_POST(self.test_view)), name="providers_endpoint_test"),
            path("<int:pk>/take/", wrap(require_POST(self.take_view)), name="providers_endpoint_take"),
        ]

    @needs("providers:write")
    @method_decorator(sensitive_post_parameters("new_secret"))
    def test_new_view(self, request: HttpRequest) -> HttpResponse:
        """Test what the form of a new endpoint says."""
        if not self.has_change_permission(request):  # type: ignore[attr-defined]  # ModelAdmin's
            raise PermissionDenied
        return self._answered(request, look(probe_with(**_given(request, None), endpoint=None)), None)

    @needs("providers:write")
    @method_decorator(sensitive_post_parameters("new_secret"))
    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Test an endpoint; the result is kept as its health when what was tested is what is saved."""
        endpoint = self._endpoint(request, pk)
        given = _given(request, endpoint)
        saved = not given["secret"] and (given["handler_key"], given["base_url"]) == (
            endpoint.handler_key,
            endpoint.base_url,
        )
        found = services.test_endpoint(endpoint) if saved else look(probe_with(**given, endpoint=endpoint))
        return self._answered(request, found, endpoint)

    @needs("providers:write")
    def take_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Offer the models that were ticked."""
        endpoint = self._endpoint(request, pk)
        names = [name.strip() for name in request.POST.getlist("take")][:MOST_TAKEN]
        added = services.offer_models(endpoint, names, by=request.user)
        words = ngettext("%(count)s model was added.", "%(count)s models were added.", added) % {"count": added}
        self.message_user(request, words, messages.SUCCESS if added else messages.WARNING)  # type: ignore[attr-defined]  # ModelAdmin's
        return redirect(self.page_of(endpoint))  # type: ignore[attr-defined]  # the admin's

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, obj: Any = None, **kwargs: Any) -> Any:
        context["may_test"] = self.has_change_permission(request, obj)  # type: ignore[attr-defined]  # ModelAdmin's
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)  # type: ignore[misc]  # ModelAdmin's

    def _endpoint(self, request: HttpRequest, pk: int) -> Endpoint:
        endpoint = get_object_or_404(Endpoint.objects.for_list(), pk=pk)
        if not self.has_change_permission(request, endpoint):  # type: ignore[attr-defined]  # ModelAdmin's
            raise PermissionDenied
        return endpoint

    def _answered(self, request: HttpRequest, found: Found, endpoint: Endpoint | None) -> HttpResponse:
        offered = {offer.model for offer in endpoint.offers.all()} if endpoint else set()
        context = {
            "found": found,
            "endpoint": endpoint,
            "fresh": [name for name in found.models if name not in offered],
        }
        if request.headers.get(PART):
            return HttpResponse(render_to_string("admin/providers/found.html", context, request))
        site = self.admin_site.each_context(request)  # type: ignore[attr-defined]  # ModelAdmin's
        return render(request, "admin/providers/test.html", {**site, **context, "opts": Endpoint._meta})


def _given(request: HttpRequest, endpoint: Endpoint | None) -> dict[str, Any]:
    """What the form says; what it does not say is as it is saved. A key counts only of who may write keys."""
    post = request.POST
    secret = post.get("new_secret", "").strip() if allows(request.user, "secrets:write") else ""
    return {
        "handler_key": post.get("handler_key", endpoint.handler_key if endpoint else ""),
        "base_url": post.get("base_url", endpoint.base_url if endpoint else "").strip()[:300],
        "secret": secret,
    }
