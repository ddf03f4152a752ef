"""Builders for core: a small kind of thing to publish, and rows with chosen times."""

import socket
from pathlib import Path
from typing import Any

from apps.core.publishing import registry
from apps.core.publishing.registry import Problem
from apps.core.storage.models import StoredFile
from apps.core.storage.services import keep


class ToyKind:
    """Publishes whatever the test put into `drafts`; `problems` refuse it."""

    scope = "toy"

    def __init__(self) -> None:
        self.drafts: dict[str, dict[str, Any]] = {}
        self.problems: list[Problem] = []

    def collect(self, key: str) -> dict[str, Any]:
        return self.drafts[key]

    def check(self, key: str, payload: dict[str, Any], live: dict[str, Any] | None) -> list[Problem]:
        return self.problems

    def load(self, payload: dict[str, Any]) -> dict[str, Any]:
        return payload


def make_toy(key: str = "bear", **content: Any) -> ToyKind:
    """A registered kind with one draft."""
    kind = ToyKind()
    kind.drafts[key] = content or {"colour": "brown"}
    registry.register(kind)
    return kind


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_file(owner: Any, folder: Path, *, content: bytes = b"pixels", **about: Any) -> StoredFile:
    """A stored result of `owner`."""
    path = folder / "source"
    path.write_bytes(content)
    return keep(path, **({"owner": owner, "purpose": "result", "name": "cup.png", "mime": "image/png"} | about))
