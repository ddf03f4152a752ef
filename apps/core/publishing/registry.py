"""What can be published: a seam that the apps above fill in `AppConfig.ready()`."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from apps.core.errors import NotFound

Level = Literal["error", "break", "warning"]


@dataclass(frozen=True)
class Problem:
    """Why something should not be published: a stable code, where, and words.

    An `error` forbids it. A `break` hurts whoever relies on the live version, and has to be confirmed. A `warning` is
    only said. A break with `needs_note` is gone past only with a note that says why. `remedy` says what mends it, and
    `link` is the page of the CMS where that is done.
    """

    code: str
    path: str
    message: str
    level: Level = "error"
    needs_note: bool = False
    remedy: str = ""
    link: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Code, path, message and level; the others where they say something."""
        told = asdict(self)
        return {name: value for name, value in told.items() if value or name in ("code", "path", "message", "level")}


class Publishable(Protocol):
    """A kind of thing with drafts and releases."""

    scope: str

    def collect(self, key: str) -> dict[str, Any]:
        """The whole closure of the draft `key`: everything its run needs."""

    def check(self, key: str, payload: dict[str, Any], live: dict[str, Any] | None) -> list[Problem]:
        """Every problem of releasing `payload` in place of `live` (None: nothing is live)."""

    def load(self, payload: dict[str, Any]) -> dict[str, Any]:
        """A stored payload as today's code reads it: brought up from older schemas, and fit to run.

        Raises `ValueError` with the reason when it is not.
        """


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


def kind_of(scope: str) -> Publishable | None:
    """The kind registered for `scope`, or None for configuration that is no draft."""
    return _kinds.get(scope)


# What is told of a new version: its payload, who made it, and the note.
Listener = Callable[[dict[str, Any], Any, str], object]
_listeners: dict[str, list[Listener]] = {}


def listen(scope: str, listener: Listener) -> None:
    """Have `listener` called in the transaction that appends a version in `scope`, after it was appended.

    What it raises undoes the version. It is called for what is restored and what only some people get, too.
    """
    _listeners.setdefault(scope, []).append(listener)


def tell_listeners(scope: str, payload: dict[str, Any], *, by: Any, note: str) -> None:
    """Call those who listen to `scope`."""
    for listener in _listeners.get(scope, ()):
        listener(payload, by, note)
