"""Builders for core: a small kind of thing to publish, and rows with chosen times."""

from typing import Any

from apps.core.publishing import registry
from apps.core.publishing.registry import Problem


class ToyKind:
    """Publishes whatever the test put into `drafts`; `problems` refuse it."""

    scope = "toy"

    def __init__(self) -> None:
        self.drafts: dict[str, dict[str, Any]] = {}
        self.problems: list[Problem] = []

    def collect(self, key: str) -> dict[str, Any]:
        return self.drafts[key]

    def check(self, key: str, payload: dict[str, Any]) -> list[Problem]:
        return self.problems


def make_toy(key: str = "bear", **content: Any) -> ToyKind:
    """A registered kind with one draft."""
    kind = ToyKind()
    kind.drafts[key] = content or {"colour": "brown"}
    registry.register(kind)
    return kind
