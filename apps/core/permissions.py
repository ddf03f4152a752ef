"""Deny by default: a route that declares nothing answers 403."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request


class DenyAll(BasePermission):
    """The default; a test fails on every route that still has it."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return False


class HasPermission(BasePermission):
    """Asks staff for a Django permission: one to read, one to write. Bind them with `HasPermission.of`."""

    read: str = ""
    write: str = ""

    @classmethod
    def of(cls, *, read: str, write: str) -> type["HasPermission"]:
        """A permission class bound to these two permission names."""
        return type("HasPermission", (cls,), {"read": read, "write": write})

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        needed = self.read if request.method in SAFE_METHODS else self.write
        return bool(user and user.is_active and user.is_staff and user.has_perm(needed))


class Public(BasePermission):
    """Declared, not defaulted: anybody may call this."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return True


class SignedIn(BasePermission):
    """Any active user."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user and request.user.is_authenticated and request.user.is_active)
