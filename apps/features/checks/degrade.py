"""The degrade policy has its shape, and its fallback model can be reached."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from pydantic import ValidationError

from apps.core.publishing.registry import Problem
from apps.features.checks.routes import route_problems
from apps.providers.degrade import policy_of


def degrade_valid(payload: dict[str, Any]) -> Iterator[Problem]:
    """An empty policy is none."""
    raw = payload["degrade"]
    if not isinstance(raw, dict):
        yield Problem("E_DEGRADE", "/degrade", _("The degrade policy is a JSON object, or empty."))
        return
    try:
        policy = policy_of(raw)
    except ValidationError as exc:
        for error in exc.errors():
            yield Problem("E_DEGRADE", "/".join(["/degrade", *map(str, error["loc"])]), error["msg"])
        return
    if policy is None:
        return
    for capability in payload["routes"]:
        for problem in route_problems("/degrade/fallback_model", capability, model=policy.fallback_model):
            if problem.level == "error":
                yield problem
