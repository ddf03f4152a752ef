"""Every address of the installation with the right it declares, and who may call it by the policy file alone."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import BasePermission

from apps.core.lane.app import HotRoute
from apps.core.lane.app import routes as hot_routes
from apps.core.permissions import HasPermission, Public, SignedIn
from apps.core.policy import policy
from tests.core.test_permissions import PLAIN_AND_PUBLIC

PUBLIC, ANYBODY_SIGNED_IN, STAFF, NOBODY = "public", "signed in", "staff", "nobody"
PERSONS = ["anonymous", "member", "viewer", "editor", "admin", "superuser"]

# The pages of the admin site itself; what they list follows the rights on each model.
SITE = {
    "UnfoldAdminSite.search": STAFF,
    "UnfoldAdminSite.index": STAFF,
    "AdminSite.login": PUBLIC,
    "AdminSite.logout": PUBLIC,
    "UnfoldAdminSite.password_change": STAFF,
    "UnfoldAdminSite.password_change_done": STAFF,
    "AdminSite.password_change_done": STAFF,
    "AdminSite.autocomplete_view": "pipelines:read",  # of the field that the walk asks for
    "AdminSite.i18n_javascript": STAFF,
    "AdminSite.app_index": STAFF,
    "AdminSite.catch_all_view": STAFF,
    "shortcut": STAFF,
}
# The pages that every ModelAdmin has, by the last part of their name: reading them, posting to them.
STANDARD = {
    "changelist": ("read", "read"),
    "add": ("create", "create"),
    "change": ("read", "write"),
    "delete": ("delete", "delete"),
    "history": ("read", "read"),
    "simple_history": ("read", "write"),
    "password_change": ("write", "write"),
}
VERBS = {"view": "read", "add": "create", "change": "write", "delete": "delete"}


class Undeclared(AssertionError):
    """A route that does not say who may call it."""


class NoBuilder(AssertionError):
    """A route with an argument that the walk cannot fill in."""


@dataclass(frozen=True)
class Call:
    """One request of the walk. `needs` is what the route declares: rights, or one of the words above."""

    method: str
    path: str
    needs: tuple[str, ...]
    lane: str  # admin | api | hot | plain
    label: str
    body: dict[str, Any] = field(default_factory=dict)
    silent: bool = False  # a bulk action that is refused answers with the list, having done nothing


Build = Callable[[str, str], str]


def allowed(needs: tuple[str, ...], person: str) -> bool:
    """What the policy file says about it; nothing here looks at what the product does."""
    if PUBLIC in needs:
        return True
    if NOBODY in needs or person == "anonymous":
        return False
    if ANYBODY_SIGNED_IN in needs:
        return True
    if person == "member":
        return False
    if person == "superuser":
        return True
    held = policy().roles[person]
    return all(need == STAFF or need in held for need in needs)


def every_pattern(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from every_pattern(pattern.url_patterns, route)
        else:
            yield route, pattern


def calls(build: Build, body: dict[str, Any]) -> list[Call]:
    """Every call of the walk. `build(route, argument)` fills in the arguments of the addresses."""
    found = list(_hot_calls(build))
    for route, pattern in every_pattern(get_resolver().url_patterns):
        found += _calls_of(route, pattern, build, body)
    for model_admin in admin.site._registry.values():
        found += _action_calls(model_admin, build)
    return found


def _calls_of(route: str, pattern: URLPattern, build: Build, body: dict[str, Any]) -> list[Call]:
    path = "/" + filled(route, build)
    view = getattr(pattern.callback, "cls", None)
    if view is not None:
        return [Call(m, path, needs_of_api(route, pattern, m), "api", route, body) for m in _methods(view)]
    if not route.startswith("admin/"):
        return [Call("GET", path, needs_of_plain(route, pattern), "plain", route)]
    if pattern.callback.__qualname__ == "AdminSite.autocomplete_view":
        path += "?app_label=features&model_name=feature&field_name=pipeline"
    return [Call(m, path, needs_of_admin(route, pattern, m), "admin", route, {}) for m in ("GET", "POST")]


def _methods(view: Any) -> list[str]:
    return [name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)]


def needs_of_api(route: str, pattern: Any, method: str) -> tuple[str, ...]:
    """What the permission classes of a view declare for `method`. Raises `Undeclared`."""
    given = getattr(pattern.callback, "initkwargs", {}).get("permission_classes")
    classes: list[type[BasePermission]] = given or pattern.callback.cls.permission_classes
    needs: list[str] = []
    for one in classes:
        if issubclass(one, HasPermission):
            needs.append(one.needed(method))
        elif issubclass(one, Public):
            needs.append(PUBLIC)
        elif issubclass(one, SignedIn):
            needs.append(ANYBODY_SIGNED_IN)
        elif hasattr(one, "needs"):
            needs += one.needs
        else:
            raise Undeclared(f"{route}: {one.__name__} says nothing that the walk can read")
    if not needs:
        raise Undeclared(f"{route} has no permission class")
    return tuple(needs)


def needs_of_plain(route: str, pattern: Any) -> tuple[str, ...]:
    """Plain Django views: declared by `require_permission`, or known to be public. Raises `Undeclared`."""
    if hasattr(pattern.callback, "needs"):
        return tuple(pattern.callback.needs)
    if pattern.callback in PLAIN_AND_PUBLIC or route.startswith("i18n/"):
        return (PUBLIC,)
    raise Undeclared(f"{route}: declare it with require_permission, or list it as public")


def needs_of_admin(route: str, pattern: Any, method: str) -> tuple[str, ...]:
    """A view's own declaration (`needs`), else what its kind of page needs. Raises `Undeclared`."""
    if hasattr(pattern.callback, "needs"):
        return tuple(pattern.callback.needs)
    if (known := SITE.get(pattern.callback.__qualname__)) is not None:
        return (known,)
    if (model_admin := admin_of(route)) is None:
        raise Undeclared(f"{route} is a page of the admin that says nothing")
    if pattern.name is None:  # Django's redirect from the old address of a row
        return (STAFF,)
    kind = re.sub(r"^[a-z]+_[a-z]+?_", "", pattern.name, count=1)
    if kind not in STANDARD:
        raise Undeclared(f"{route}: mark the view with @needs(...)")
    return _standard(model_admin, kind, method)


def _standard(model_admin: Any, kind: str, method: str) -> tuple[str, ...]:
    action = STANDARD[kind][method == "POST"]
    read_only = getattr(model_admin, "read_only", False)
    if action == "create" and getattr(model_admin, "never_added", False):
        return (NOBODY,)
    if read_only and (action != "read" or (kind == "change" and method == "POST")):
        return (NOBODY,)
    if kind == "simple_history" and method == "POST" and not getattr(model_admin, "revertible", True):
        return (NOBODY,)
    return (right_on(model_admin, action),)


def right_on(model_admin: Any, action: str) -> str:
    """The right behind an action on the rows of an admin. Raises `Undeclared` for a model in no resource."""
    resource = policy().resource_of(model_admin.model._meta.label_lower)
    if resource is None:
        raise Undeclared(f"{model_admin.model._meta.label} belongs to no resource of the policy file")
    return f"{resource.name}:{action}"


def admin_of(route: str) -> Any:
    """The ModelAdmin that an address belongs to."""
    for model, model_admin in admin.site._registry.items():
        if route.startswith(f"admin/{model._meta.app_label}/{model._meta.model_name}/"):
            return model_admin
    return None


def _action_calls(model_admin: Any, build: Build) -> Iterator[Call]:
    """Every bulk action of a list, posted for one row."""
    meta = model_admin.model._meta
    route = f"admin/{meta.app_label}/{meta.model_name}/"
    names = [*(a if isinstance(a, str) else a.__name__ for a in model_admin.actions or ()), "delete_selected"]
    for name in names:
        method = getattr(model_admin, name, None)
        verbs = getattr(method, "allowed_permissions", ["delete"] if name == "delete_selected" else None)
        if verbs is None:
            raise Undeclared(f"{route}: the action {name} needs permissions=[...]")
        rights = tuple(right_on(model_admin, VERBS.get(verb, verb)) for verb in verbs)
        needs = (NOBODY,) if getattr(model_admin, "read_only", False) else rights
        body = {"action": name, "_selected_action": build(route + "<path:object_id>/change/", "object_id")}
        yield Call("POST", f"/{route}", needs, "admin", f"{route} [{name}]", body, silent=True)


def _hot_calls(build: Build) -> Iterator[Call]:
    for route in hot_routes:
        path = re.sub(r"{(\w+)(?::\w+)?}", partial(_argument, build, route.path), route.path)
        for method in getattr(route, "methods", ("GET",)):
            yield Call(method, path, needs_of_hot(route), "hot", route.path)


def _argument(build: Build, route: str, found: re.Match[str]) -> str:
    return build(route, found[1])


def needs_of_hot(route: HotRoute) -> tuple[str, ...]:
    """Raises `Undeclared`."""
    try:
        return ({"public": PUBLIC, "user": ANYBODY_SIGNED_IN}[route.access],)
    except KeyError as exc:
        raise Undeclared(f"{route.path}: {route.access}") from exc


def filled(route: str, build: Build) -> str:
    """The address with every argument filled in. Raises `NoBuilder`."""
    if "[^/]+" in route and "(?P<" not in route:  # two unnamed groups: simple-history's version of a row
        arguments = iter(("object_id", "version_id"))
        route = re.sub(r"\(\[\^/\]\+\)", lambda _found: build(route, next(arguments)), route)
    if route.startswith("^(?:|"):  # the storefront's page
        return ""
    route = re.sub(r"\(\?P<(\w+)>[^)]*\)", partial(_argument, build, route), route)
    route = re.sub(r"<(?:\w+:)?(\w+)>", partial(_argument, build, route), route)
    return route.replace("^", "").replace("$", "")
