"""Pages that are generated from the code. Each is registered by the app that knows its subject."""

from collections.abc import Callable, Sequence
from pathlib import Path

from django.conf import settings
from django.utils import translation

Build = Callable[[], str]

RENEW = "make docs"
_builders: dict[str, Build] = {}


def register(path: str, build: Build) -> None:
    """Have `path` (below the repository) hold what `build` returns; apps do this in `AppConfig.ready()`."""
    _builders[path] = build


def build_all() -> dict[str, str]:
    """What every generated page should hold, by path. The same for everybody: in English, without dates."""
    with translation.override("en"):
        return {path: _builders[path]().rstrip() + "\n" for path in sorted(_builders)}


def outdated() -> list[str]:
    """The paths whose files differ from what the code says, or are missing."""
    return [path for path, text in build_all().items() if _read(settings.BASE_DIR / path) != text]


def write() -> list[str]:
    """Write what differs; returns the paths written."""
    pages = build_all()
    changed = [path for path, text in pages.items() if _read(settings.BASE_DIR / path) != text]
    for path in changed:
        file: Path = settings.BASE_DIR / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(pages[path], "utf-8")
    return changed


def notice(what: str) -> str:
    """The line that says where a page comes from."""
    return f"<!-- Generated from {what}. Renew it with `{RENEW}`; changes made here are lost. -->"


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table; bars inside cells are escaped."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _read(file: Path) -> str | None:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return None
