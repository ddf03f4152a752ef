"""Deny by default: a route that declares nothing answers 403. Rights are `resource:action` of the policy file."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar

import structlog
from django.db.models import Model
from django.http import HttpResponseBase
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from apps.core import grants
from apps.core.error_handling import error_response
from apps.core.errors import Forbidden, NotFound, Unauthenticated
from apps.core.policy import policy

log = structlog.get_logger("core")

View = TypeVar("View", bound=Callable[..., Any])
Find = Callable[[Any, Any], Model | None]

# Every right that a class or decorator names, for the check that they exist.
declared: set[str] = set()


def allows(user: Any, right: str, obj: Model | None = None) -> bool:
    """Whether `user` is active staff and holds `right`: by role, by group, directly, or granted on `obj` alone.

    Raises `UnknownRight`.
    """
    if not _is_staff(user):
        return False
    permission = policy().permission(right)
    return bool(user.has_perm(permission) or (obj is not None and user.has_perm(permission, obj)))


def _is_staff(user: Any) -> bool:
    """Whether `user` is active staff, and did not come with an API key that is not for the administration."""
    return bool(user and user.is_active and user.is_staff and not getattr(user, "is_limited", False))


def log_denied(request: Any, needed: Sequence[str]) -> None:
    """Leave a line about a refusal: who by number, what was needed, where. An anonymous caller is no news."""
    if user_id := getattr(getattr(request, "user", None), "pk", None):
        log.warning("permission.denied", userId=user_id, needed=list(needed), path=request.path)


class DenyAll(BasePermission):
    """The default; a test fails on every route that still has it."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return False


class HasPermission(BasePermission):
    """Asks staff for a right: one to read, one to write. Bind them with `HasPermission.of`."""

    read: str = ""
    write: str = ""
    model: type[Model] | None = None
    find: Find | None = None

    @classmethod
    def of(
        cls, *, read: str, write: str, model: type[Model] | None = None, find: Find | None = None
    ) -> type["HasPermission"]:
        """A permission class bound to these two rights.

        `model` lets in who was granted the right on at least one row; the view then shows permitted rows alone.
        `find(request, view)` names the one row a call is about: who may not see it gets 404, who may see it and no
        more gets 403.
        """
        declared.update({read, write})
        return type("HasPermission", (cls,), {"read": read, "write": write, "model": model, "find": find})

    @classmethod
    def needed(cls, method: str | None) -> str:
        """The right that a call with `method` needs."""
        return cls.read if method in SAFE_METHODS else cls.write

    def has_permission(self, request: Request, view: Any) -> bool:
        right = self.needed(request.method)
        allowed = allows(request.user, right) or self._granted(request, view, right)
        if not allowed:
            log_denied(request, [right])
        return allowed

    def _granted(self, request: Request, view: Any, right: str) -> bool:
        user: Any = request.user
        if not _is_staff(user):
            return False
        if type(self).find is not None:
            return self._granted_on_one(request, view, right)
        return self.model is not None and grants.has_any(user, self.model, policy().permission(right))

    def _granted_on_one(self, request: Request, view: Any, right: str) -> bool:
        row = type(self).find(request, view)  # type: ignore[misc]  # asked for above
        if row is None or not may_see(request.user, row):
            log_denied(request, [right])
            raise NotFound()
        return allows(request.user, right, row)


def may_see(user: Any, row: Model) -> bool:
    """Whether staff `user` may know of `row`: by a right to read or change such rows, or by a grant on this one."""
    names = grants.showing(type(row))
    return any(user.has_perm(name) for name in names[:2]) or any(user.has_perm(name, row) for name in names)


class Public(BasePermission):
    """Declared, not defaulted: anybody may call this."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return True


class SignedIn(BasePermission):
    """Any active user."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user and request.user.is_authenticated and request.user.is_active)


def needs(*rights: str) -> Callable[[View], View]:
    """Declares which rights a custom admin view asks for, so that checks and tests can read it."""
    declared.update(rights)

    def declare(view: View) -> View:
        view.needs = rights  # type: ignore[attr-defined]  # a mark on a function
        return view

    return declare


def require_permission(rights: Sequence[str]) -> Callable[[View], View]:
    """Lets staff with every one of `rights` call a function view; others get 401 or 403 in the uniform body.

    Stands directly above a plain Django view, and below `@api_view`, which then reads it as its permission.
    """
    wanted = tuple(rights)
    declared.update(wanted)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not getattr(request.user, "is_authenticated", False):
                return error_response(Unauthenticated())
            if not all(allows(request.user, right) for right in wanted):
                log_denied(request, wanted)
                return error_response(Forbidden())
            answer: HttpResponseBase = view(request, *args, **kwargs)
            return answer

        guarded.needs = wanted  # type: ignore[attr-defined]  # as `needs` does
        guarded.permission_classes = [_all_of(wanted)]  # type: ignore[attr-defined]  # `api_view` takes it from here
        return guarded  # type: ignore[return-value]  # same signature, but for the refusals

    return decorate


def _all_of(rights: tuple[str, ...]) -> type[BasePermission]:
    """Lets the function decide: it says 401 and 403 itself, in the one body, and logs once."""

    def has_permission(self: BasePermission, request: Request, view: Any) -> bool:
        return True

    return type("Requires", (BasePermission,), {"needs": rights, "has_permission": has_permission})
