"""Deny by default: every route says who may call it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

from apps.core import health, storefront
from apps.core.lane.app import routes
from apps.core.permissions import DenyAll, HasPermission
from tests.conftest import Api

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
    }


@pytest.mark.parametrize("verb", ["GET", "POST", "PATCH", "PUT", "DELETE"])
def test_api__anonymous__reaches_nothing_but_the_public_routes(db, verb):
    public = ("auth/login", "auth/refresh", "auth/logout")
    answers = {
        route: Api().request(verb, "/" + route.replace("<slug:key>", "x").replace("<str:task_id>", "x"), json={})
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
