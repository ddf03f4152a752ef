"""What can be published: a seam that the apps above fill in `AppConfig.ready()`."""

from dataclasses import asdict, dataclass
from typing import Any, Protocol

from apps.core.errors import NotFound


@dataclass(frozen=True)
class Problem:
    """Why something cannot be published: a stable code, where, and words."""

    code: str
    path: str
    message: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


class Publishable(Protocol):
    """A kind of thing with drafts and releases."""

    scope: str

    def collect(self, key: str) -> dict[str, Any]:
        """The whole closure of the draft `key`: everything its run needs."""

    def check(self, key: str, payload: dict[str, Any]) -> list[Problem]:
        """Every problem that forbids releasing `payload`."""


_kinds: dict[str, Publishable] = {}


def register(kind: Publishable) -> None:
    """Make `kind` publishable under its scope."""
    _kinds[kind.scope] = kind


def publishable(scope: str) -> Publishable:
    """The kind registered for `scope`. Raises `NotFound`."""
    try:
        return _kinds[scope]
    except KeyError as exc:
        raise NotFound() from exc
