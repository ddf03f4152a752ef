"""How an endpoint stands, on its page and in the list, with a button that has it asked again at once."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from apps.core.errors import ApiError
from apps.core.permissions import needs
from apps.providers import services
from apps.providers.models import Endpoint, EndpointHealth
from apps.providers.standing import Standing, close_circuit, standings


class StandingMixin:
    """Stands before `ModelAdmin` of endpoints."""

    change_form_outer_before_template = "admin/providers/standing.html"

    def get_urls(self) -> list[URLPattern]:
        close = self.admin_site.admin_view(require_POST(self.close_circuit_view))  # type: ignore[attr-defined]  # ModelAdmin's
        own = path("<int:pk>/close-circuit/", close, name="providers_endpoint_close_circuit")
        return [own, *super().get_urls()]  # type: ignore[misc]  # ModelAdmin's

    def get_list_display(self, request: HttpRequest) -> Any:
        """Beside the name: at the end of a wide list nobody would see it."""
        name, *others = super().get_list_display(request)  # type: ignore[misc]  # ModelAdmin's
        return [name, self._state_column(), *others]

    def _state_column(self) -> Callable[[Endpoint], str]:
        """One look for the whole list, made when its first row is shown."""
        found: dict[str, Standing] = {}

        @admin.display(description=_("state"))
        def circuit(endpoint: Endpoint) -> str:
            if not found:
                found.update(standings(self.model._default_manager.all()))  # type: ignore[attr-defined]  # ModelAdmin's
            standing = found.get(endpoint.key) or Standing(endpoint.key)
            told = {"standing": standing, "set_aside": _set_aside(endpoint)}
            return render_to_string("admin/providers/state_cell.html", told)

        return circuit

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, obj: Any = None, **kwargs: Any) -> Any:
        if obj is not None:
            context["standing"] = standings([obj])[obj.key]
            context["set_aside"] = _set_aside(obj)
            context["may_close"] = self.has_change_permission(request, obj)  # type: ignore[attr-defined]  # ModelAdmin's
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)  # type: ignore[misc]  # ModelAdmin's

    @needs("providers:write")
    def close_circuit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Close it, say so, and leave a line in the history of the admin."""
        endpoint = get_object_or_404(Endpoint, pk=pk)
        if not self.has_change_permission(request, endpoint):  # type: ignore[attr-defined]  # ModelAdmin's
            raise PermissionDenied
        try:
            if close_circuit(endpoint, by=request.user):
                self.log_change(request, endpoint, "Closed the circuit.")  # type: ignore[attr-defined]  # ModelAdmin's
                words, level = _("“%(name)s” is asked again from now on."), messages.SUCCESS
            else:
                words, level = _("“%(name)s” was not left alone, so there was nothing to end."), messages.INFO
            self.message_user(request, words % {"name": endpoint.name}, level)  # type: ignore[attr-defined]  # ModelAdmin's
        except ApiError as exc:
            self.message_user(request, exc.text(), messages.ERROR)  # type: ignore[attr-defined]  # ModelAdmin's
        return redirect(reverse("admin:providers_endpoint_change", args=[pk]))


def _set_aside(endpoint: Endpoint) -> Any:
    """Why no call goes there however well it is, or nothing: its circuit is then not what counts."""
    if not endpoint.enabled:
        return _("switched off")
    state = services.key_state(endpoint)
    return state.label if state == EndpointHealth.KeyState.MISSING else ""
