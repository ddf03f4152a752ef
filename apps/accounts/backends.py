"""Staged enforcement: with `PAIBAN_POLICY_MODE=log`, what would be refused to staff is only logged."""

from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.backends import BaseBackend

from apps.core.policy import policy

log = structlog.get_logger("accounts")


class LogOnlyBackend(BaseBackend):
    """Stands last, so it is asked only for what every other backend refused. Signs nobody in.

    In the mode `log` it lets active staff pass, except to people, roles, grants, credits and secrets.
    """

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        if not _applies(user_obj) or perm not in policy().unenforced:
            return False
        _tell(user_obj, perm)
        return True

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Whether the admin lists the app at all; each of its pages asks again."""
        return _applies(user_obj) and any(name.startswith(f"{app_label}.") for name in policy().unenforced)


def _applies(user: Any) -> bool:
    return settings.POLICY_MODE == "log" and bool(user.is_active and user.is_staff)


def _tell(user: Any, permission: str) -> None:
    """One line per request and permission: a page asks the same thing for each of its buttons."""
    told: set[str] = user.__dict__.setdefault("_would_deny", set())
    if permission not in told:
        told.add(permission)
        log.warning("permission.would_deny", userId=user.pk, needed=permission)
