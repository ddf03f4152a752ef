"""Whoever signed in with a one-time password does nothing else before choosing an own one."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from apps.accounts.errors import PasswordChangeDue
from apps.core.error_handling import error_response


class PasswordChangeMiddleware:
    """Sends such a user from any admin page to the password form, and refuses the API to such a session."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        guarded = request.path.startswith(("/admin/", "/api/"))
        if guarded and getattr(request.user, "must_change_password", False):
            allowed = {reverse("admin:password_change"), reverse("admin:logout"), reverse("admin:jsi18n")}
            if request.path.startswith("/api/"):
                return error_response(PasswordChangeDue())
            if request.path not in allowed:
                return redirect("admin:password_change")
        return self.get_response(request)
