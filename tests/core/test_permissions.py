"""Deny by default: every route says who may call it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.decorators import api_view
from rest_framework.response import Response
from rest_framework.test import force_authenticate
from rest_framework.views import APIView
from structlog.testing import capture_logs

from apps.core import health, storefront
from apps.core.lane.app import routes
from apps.core.permissions import DenyAll, HasPermission, require_permission
from tests.conftest import Api, make_user

PLAIN_AND_PUBLIC = {
    health.health,
    health.health_db,
    health.health_redis,
    health.readyz,
    health.version,
    storefront.page,
}


def every_route(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from every_route(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route, pattern.callback


def test_routes__every_api_view__declares_its_permission_itself():
    undeclared = []
    for route, callback in every_route(get_resolver().url_patterns):
        view = getattr(callback, "cls", None)
        if view is None:
            continue
        given = getattr(callback, "initkwargs", {}).get("permission_classes")
        declared = given or next((c.__dict__["permission_classes"] for c in view.__mro__ if _declares(c)), None)
        if not declared or DenyAll in declared:
            undeclared.append(route)

    assert undeclared == []


def _declares(cls: type) -> bool:
    return cls is not APIView and cls.__module__.startswith("apps.") and "permission_classes" in cls.__dict__


def test_routes__every_plain_view__is_admin_or_known_to_be_public():
    unknown = [
        route
        for route, callback in every_route(get_resolver().url_patterns)
        if not hasattr(callback, "cls")
        and not route.startswith(("admin/", "i18n/", "static"))
        and callback not in PLAIN_AND_PUBLIC
    ]

    assert unknown == []


def test_hot_routes__every_one__says_who_may_call_it():
    assert {route.access for route in routes} <= {"public", "user"}
    assert {route.path for route in routes if route.access == "public"} == {
        "/files/{token}",
        "/api/v1/ui/menus",
        "/api/v1/ui/features",
        "/api/v1/ui/schema",
        "/api/v1/ui/events",
        "/ofrep/v1/evaluate/flags",
        "/ofrep/v1/evaluate/flags/{key}",
    }


@pytest.mark.parametrize("verb", ["GET", "POST", "PATCH", "PUT", "DELETE"])
def test_api__anonymous__reaches_nothing_but_the_public_routes(db, verb):
    public = ("auth/login", "auth/refresh", "auth/logout")
    answers = {
        route: Api().request(
            verb, "/" + re.sub(r"<(\w+):\w+>", lambda part: "1" if part[1] == "int" else "x", route), json={}
        )
        for route, callback in every_route(get_resolver().url_patterns)
        if route.startswith("api/") and not route.endswith(public)
    }

    assert len(answers) > 10
    assert {answer.status_code for answer in answers.values()} == {401}


def test_has_permission__staff_bit_missing__is_refused(db, operator, rf):
    request = rf.get("/")
    request.user = operator
    permission = HasPermission.of(read="features:read", write="features:write")()

    assert permission.has_permission(request, None) is True
    operator.is_staff = False
    assert permission.has_permission(request, None) is False


def test_deny_all__anybody__is_refused(rf):
    assert DenyAll().has_permission(rf.get("/"), None) is False


class Plain:
    """A plain view and one of DRF's behind `require_permission`."""

    @staticmethod
    @require_permission(["features:read", "features:publish"])
    def django(request: Any) -> HttpResponse:
        return HttpResponse("done")

    drf = staticmethod(
        api_view(["GET"])(require_permission(["features:read", "features:publish"])(lambda request: Response("done")))
    )


@pytest.mark.parametrize("view", [Plain.django, Plain.drf])
@pytest.mark.parametrize(
    ("role", "told"),
    [
        (None, (401, "CORE_2001")),
        ("member", (403, "CORE_2002")),
        ("viewer", (403, "CORE_2002")),
        ("editor", (403, "CORE_2002")),
        ("admin", (200, None)),
    ],
)
def test_require_permission__role__is_let_in_or_told_why_not(db, rf, view, role, told):
    request = rf.get("/x")
    request.user = make_user("pat", role=role) if role else AnonymousUser()
    request._dont_enforce_csrf_checks = True
    force_authenticate(request, request.user if role else None)

    answer = view(request)

    code = json.loads(answer.content)["code"] if answer.status_code != 200 else None
    assert (answer.status_code, code) == told


def test_require_permission__decorated_view__tells_what_it_needs():
    assert Plain.django.needs == ("features:read", "features:publish")
    assert Plain.drf.cls.permission_classes[0].needs == ("features:read", "features:publish")


def test_denial__staff_without_the_right__is_logged_by_number_alone(db, viewer):
    with capture_logs() as lines:
        answer = Api(viewer).post("/api/v1/admin/features/publish", json={"key": "greeter", "note": "my secret note"})

    assert (answer.status_code, answer.json()["code"]) == (404, "CORE_2003")
    (line,) = [line for line in lines if line["event"] == "permission.denied"]
    assert {name: line[name] for name in ("userId", "needed", "path")} == {
        "userId": viewer.pk,
        "needed": ["features:publish"],
        "path": "/api/v1/admin/features/publish",
    }
    assert not [word for word in ("vera", "secret note") if word in str(line)]


def test_denial__admin_page__is_logged_and_has_the_one_shape(client, viewer):
    client.force_login(viewer)

    with capture_logs() as lines:
        answer = client.get("/admin/auth/group/?q=vera")

    assert (answer.status_code, answer.json()["code"]) == (403, "CORE_2002")
    (line,) = [line for line in lines if line["event"] == "permission.denied"]
    assert (line["userId"], line["path"]) == (viewer.pk, "/admin/auth/group/")


def test_denial__anonymous__leaves_no_line(db):
    with capture_logs() as lines:
        assert Api().get("/api/v1/admin/features").status_code == 401

    assert [line for line in lines if line["event"] == "permission.denied"] == []
