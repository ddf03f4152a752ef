"""Who may make a feature of a template: it is a prompt, a pipeline and a feature at once."""

from typing import Any, Final

from apps.core.permissions import allows

IMPORT_RIGHTS: Final = ("features:create", "pipelines:create", "prompts:create")


def may_import(user: Any) -> bool:
    """Whether `user` may make everything that a template consists of."""
    return all(allows(user, right) for right in IMPORT_RIGHTS)
