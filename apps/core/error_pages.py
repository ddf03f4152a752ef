"""Failures as pages: a browser gets words and a way on, a program gets JSON."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.core.errors import ApiError, Forbidden, FormExpired, InternalError, InvalidRequest, NotFound
from apps.core.request_id import get_request_id

ADMIN = "/admin/"
MACHINES = ("/api/", "/v1/", "/ofrep/", "/mcp", "/ws/")  # whatever they send as Accept


def wants_page(request: HttpRequest) -> bool:
    """Whether somebody reads the answer in a browser. A program that accepts anything gets JSON."""
    return not request.path.startswith(MACHINES) and "text/html" in request.headers.get("Accept", "")


def error_page(request: HttpRequest, error: ApiError) -> HttpResponse:
    """`error` in words, for staff in the admin within its own frame; carries the request's id."""
    page = _in_admin if _is_staff_there(request, error) else _plain
    response = page(request, {"error": error, "title": _title(error), "request_id": get_request_id()})
    response.status_code = error.status
    response["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["Accept"])
    return response


def _title(error: ApiError) -> str:
    match error:
        case NotFound():
            return _("There is nothing at this address")
        case Forbidden():
            return _("You may not do this")
        case FormExpired():
            return _("This page has expired")
        case InvalidRequest():
            return _("That was not understood")
    return _("Something went wrong")


def _is_staff_there(request: HttpRequest, error: ApiError) -> bool:
    """The frame asks the database for rights and notices: not after a crash, and not before somebody signed in."""
    user = getattr(request, "user", None)
    return not isinstance(error, InternalError) and request.path.startswith(ADMIN) and bool(user and user.is_staff)


def _in_admin(request: HttpRequest, told: dict[str, Any]) -> HttpResponse:
    return render(request, "admin/error.html", admin.site.each_context(request) | told)


def _plain(request: HttpRequest, told: dict[str, Any]) -> HttpResponse:
    inside = request.path.startswith(ADMIN)
    context = told | {"language": get_language() or "en", "home": ADMIN if inside else "/", "inside": inside}
    # Rendered without the request: a context processor would ask for the user, that is, for the database.
    return HttpResponse(render_to_string("error.html", context))
