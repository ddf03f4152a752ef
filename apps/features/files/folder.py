"""A folder of configuration on disk: which files are ours, read without leaving the folder."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import gettext as _

from apps.features.files.kinds import KINDS
from apps.features.files.problems import FileProblem

ROOT_FILE = "paiban.yaml"
SUFFIX = ".yaml"
MAX_BYTES = 2_000_000  # of one file; a release may not be larger either
KEY = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_LOOKS_LIKE_OURS = {".yaml", ".yml", ".json"}


@dataclass
class Contents:
    """The files of a folder by name (`features/greeter.yaml`), and what was wrong with reading them."""

    files: dict[str, bytes] = field(default_factory=dict)
    problems: list[FileProblem] = field(default_factory=list)


def read(root: Path) -> Contents:
    """Every file of ours below `root`. Other files (a README, hidden ones) are left alone."""
    contents = Contents()
    if not root.is_dir():
        contents.problems.append(FileProblem("E_FOLDER", str(root), _("This is not a folder.")))
        return contents
    real = root.resolve()
    for name in [ROOT_FILE, *(name for kind in KINDS for name in _names(root, kind.folder, contents.problems))]:
        try:
            contents.files[name] = _content(real, name)
        except _Unreadable as exc:
            contents.problems.append(FileProblem(exc.code, name, str(exc)))
    return contents


class _Unreadable(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _names(root: Path, folder: str, problems: list[FileProblem]) -> Iterator[str]:
    """The files of one kind; what looks like one and is none is a problem."""
    place = root / folder
    if not place.exists() and not place.is_symlink():
        return
    try:
        _within(root.resolve(), place)
        entries = sorted(place.iterdir())
    except (_Unreadable, OSError) as exc:
        problems.append(FileProblem(getattr(exc, "code", "E_FOLDER"), folder, words_of(exc)))
        return
    for entry in entries:
        name = f"{folder}/{entry.name}"
        if entry.name.startswith(".") or (entry.suffix.lower() not in _LOOKS_LIKE_OURS and not entry.is_dir()):
            continue
        if entry.suffix == SUFFIX and KEY.fullmatch(entry.stem) and not entry.is_dir():
            yield name
        else:
            words = _("Files here are called KEY.yaml, with letters, digits, hyphens and underscores in the key.")
            problems.append(FileProblem("E_FILE_NAME", name, words))


def _content(root: Path, name: str) -> bytes:
    try:
        path = _within(root, root / name)
        if not path.is_file():  # a pipe would be waited for without end
            raise _Unreadable("E_FILE_MISSING", _("This file is missing, or is not an ordinary file."))
        with path.open("rb") as source:
            content = source.read(MAX_BYTES + 1)
    except OSError as exc:
        raise _Unreadable("E_FILE_UNREADABLE", words_of(exc)) from exc
    if len(content) > MAX_BYTES:
        raise _Unreadable("E_FILE_TOO_LARGE", _("Larger than %(max)s bytes.") % {"max": MAX_BYTES})
    return content


def _within(root: Path, path: Path) -> Path:
    """Where `path` really is. Links may lead elsewhere in `root`, as mounted configuration does, and no further."""
    try:
        real = path.resolve()
    except (OSError, RuntimeError) as exc:  # a circle of links
        raise _Unreadable("E_LINK", words_of(exc)) from exc
    if not real.is_relative_to(root):
        raise _Unreadable("E_LINK", _("This is a link that leads out of the folder."))
    return real


def words_of(exc: BaseException) -> str:
    """What went wrong, without the path: the problem names the file."""
    return (exc.strerror or str(exc)) if isinstance(exc, OSError) else str(exc)
