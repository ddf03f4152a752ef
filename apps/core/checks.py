"""System checks: mistakes in the installation, told at start."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

# The layers of design.md, lowest first; the import linter holds the same order for imports.
SHORTEST_SIGNING_KEY = 32  # characters; HS256 wants as many bytes as its hash (RFC 7518, 3.2)
LAYERS = ["core", "accounts", "quotas", "providers mcp", "prompts", "pipelines", "features", "tasks"]


@register
def check_foreign_keys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A foreign key must point downwards too, even when it is written as a string."""
    rank = {label: level for level, labels in enumerate(LAYERS) for label in labels.split()}
    problems: list[CheckMessage] = []
    for model in apps.get_models():
        for field in model._meta.get_fields():
            target = field.related_model if field.is_relation and field.concrete else None
            if target is None or isinstance(target, str) or target._meta.label == settings.AUTH_USER_MODEL:
                continue
            here, there = rank.get(model._meta.app_label), rank.get(target._meta.app_label)
            same = model._meta.app_label == target._meta.app_label
            if here is not None and there is not None and not same and there >= here:
                problems.append(Error(f"{field} points to {target._meta.label}, a layer above", id="core.E001"))
    return problems


@register
def check_secrets(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Signing and encryption keys must be there and long enough."""
    problems: list[CheckMessage] = []
    if not settings.SIGNING_KEYS or not settings.MASTER_KEYS:
        hint = "`make run` writes them; otherwise see .env.example"
        problems.append(Warning("PAIBAN_SIGNING_KEY or PAIBAN_MASTER_KEYS is not set", hint=hint, id="core.W001"))
    if any(len(key) < SHORTEST_SIGNING_KEY for key in settings.SIGNING_KEYS):
        problems.append(Error("a signing key is shorter than 32 characters", id="core.E002"))
    return problems
