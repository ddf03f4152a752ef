"""What a person may do to one feature: by role, by group, directly, or granted on this feature alone."""

from typing import Any

from apps.features.models import Feature


def may(user: Any, verb: str, feature: Feature | None = None) -> bool:
    """Whether `user` holds Django's permission `verb` on all features, or on this one."""
    name = f"features.{verb}_feature"
    return bool(user.has_perm(name) or (feature is not None and user.has_perm(name, feature)))
