"""Features are publishable: closure, checks and payload versions for `core.publishing`."""

from typing import Any

from apps.core.errors import NotFound
from apps.core.publishing.registry import Problem
from apps.features import schema
from apps.features.checks import problems_of
from apps.features.closure import collect
from apps.features.models import Feature
from apps.prompts.services import version_released

SCOPE = "feature"


class FeatureKind:
    """`core.publishing.Publishable` for features."""

    scope = SCOPE

    def collect(self, key: str) -> dict[str, Any]:
        """Raises `NotFound`."""
        feature = Feature.objects.select_related("menu", "pipeline").filter(key=key).first()
        if feature is None:
            raise NotFound()
        return collect(feature)

    def check(self, key: str, payload: dict[str, Any], live: dict[str, Any] | None) -> list[Problem]:
        """Every problem, each with the place to mend it; `live` as it is stored or as it is read."""
        return problems_of(payload, live)

    def load(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Raises `ValueError` with the reason for a payload that this code cannot run."""
        return schema.load(payload)


def number_prompts(payload: dict[str, Any], by: Any, note: str) -> None:
    """Every prompt text that is released has a version number, whether or not somebody saved it as one."""
    version_released(payload["prompts"], by=by, note=note)
