"""Whoever signed in with a one-time password does nothing else before choosing an own one."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse


class PasswordChangeMiddleware:
    """Sends such a user from any admin page to the password form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/admin/") and getattr(request.user, "must_change_password", False):
            allowed = {reverse("admin:password_change"), reverse("admin:logout"), reverse("admin:jsi18n")}
            if request.path not in allowed:
                return redirect("admin:password_change")
        return self.get_response(request)
