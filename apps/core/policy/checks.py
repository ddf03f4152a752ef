"""System checks: a policy that cannot be used, a right that does not exist, a mode that lets too much pass."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.urls import get_resolver

from apps.core.policy.rights import ACTIONS, Policy, UnknownRight
from apps.core.policy.source import PolicyInvalid, policy

MODES = ("enforce", "log")


@register
def check_policy(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The policy file is sound, and every permission it speaks of exists."""
    try:
        problems = list(_without_permission(policy()))
    except PolicyInvalid as exc:
        problems = exc.problems
    hint = f"mend {settings.POLICY_FILE}"
    return [Error(problem, hint=hint, id="core.E010") for problem in problems]


def _without_permission(known: Policy) -> Iterator[str]:
    for resource in known.resources.values():
        for name in resource.models:
            try:
                meta = apps.get_model(name)._meta
            except (LookupError, ValueError):
                yield f"[resources.{resource.name}]: there is no model {name}"
                continue
            there = {*meta.default_permissions, *(code.split("_")[0] for code, _words in meta.permissions)}
            for action in resource.actions:
                if ACTIONS[action] not in there:
                    yield f"[resources.{resource.name}]: {name} has no permission to {action}"


@register
def check_declared_rights(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Every right that a route names is one of the policy file's."""
    from apps.core.permissions import declared

    _ = get_resolver().url_patterns  # imports every module that declares one
    try:
        known = policy()
    except PolicyInvalid:
        return []  # told by the check above
    problems: list[CheckMessage] = []
    for right in sorted(declared):
        try:
            known.permission(right)
        except UnknownRight:
            words = f"a route asks for {right!r}, which no resource of the policy offers"
            problems.append(Error(words, hint=f"name it as in {settings.POLICY_FILE}", id="core.E011"))
    return problems


@register
def check_policy_mode(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The mode is known, and nobody forgets that rights are only logged."""
    if settings.POLICY_MODE not in MODES:
        return [Error(f"PAIBAN_POLICY_MODE is {settings.POLICY_MODE!r}, not enforce or log", id="core.E012")]
    if settings.POLICY_MODE == "log":
        words = "PAIBAN_POLICY_MODE=log: staff may do what their roles do not allow; it is only logged"
        return [Warning(words, hint="set it to enforce once permission.would_deny is quiet", id="core.W010")]
    return []
