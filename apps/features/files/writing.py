"""Writes files of configuration: only what differs, each whole or not at all, and through no link."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from apps.features.files.folder import KEY, SUFFIX, words_of
from apps.features.files.kinds import KINDS
from apps.features.files.problems import FileProblem, FilesRefused


@dataclass(frozen=True)
class Written:
    """What an export did, or would do, to the files: names below the folder."""

    written: list[str]
    unchanged: list[str]
    gone: list[str]  # files of things that no longer exist
    removed: list[str]  # those of them that were removed


def write(root: Path, files: dict[str, str], *, existing: set[str], prune: bool, dry_run: bool) -> Written:
    """Write those of `files` that differ; `existing` are the names of everything that still exists.

    Each file is replaced whole or not at all. Raises `FilesRefused` before anything is written when a place cannot be
    written to, and when the disk fails on the way; files that were written before stay, and a repetition goes on.
    """
    if problems := _obstacles(root, files):
        raise FilesRefused(problems)
    differing = [name for name, text in files.items() if _text(root / name) != text.encode()]
    gone = [name for name in _ours(root) if name not in existing]
    removed = gone if prune else []
    name = ""
    try:
        for name in [] if dry_run else differing:
            _replace(root / name, files[name])
        for name in [] if dry_run else removed:
            (root / name).unlink()
    except OSError as exc:
        raise FilesRefused([FileProblem("E_FILE_UNWRITABLE", name, words_of(exc))]) from exc
    return Written(differing, [name for name in files if name not in differing], gone, removed)


def _obstacles(root: Path, files: dict[str, str]) -> list[FileProblem]:
    """Why the files cannot be written below `root`; links are not followed when writing."""
    if root.exists() and not root.is_dir():
        return [FileProblem("E_FOLDER", str(root), _("This is not a folder."))]
    problems, folders = [], {kind.folder for kind in KINDS}
    seen: dict[str, str] = {}
    for name in [*sorted(folders), *files]:
        path = root / name
        stem = name.rpartition("/")[2].removesuffix(SUFFIX)
        twin = seen.setdefault(name.casefold(), name)
        if path.is_symlink():
            problems.append(FileProblem("E_LINK", name, _("This is a link; an export writes to no link.")))
        elif path.exists() and not (path.is_dir() if name in folders else path.is_file()):
            problems.append(FileProblem("E_FILE_UNWRITABLE", name, _("Something else has this name.")))
        elif name not in folders and (name.count("/") > 1 or not KEY.fullmatch(stem)):
            problems.append(FileProblem("E_KEY", name, _("This key cannot be the name of a file: change it.")))
        elif twin != name:
            words = _("Where case does not count this is the same file as %(other)s.") % {"other": twin}
            problems.append(FileProblem("E_KEY", name, words))
    return problems


def _ours(root: Path) -> list[str]:
    """The ordinary files below `root` that have the name of one of ours."""
    return [
        f"{kind.folder}/{path.name}"
        for kind in KINDS
        for path in sorted((root / kind.folder).glob(f"*{SUFFIX}"))
        if KEY.fullmatch(path.stem) and path.is_file() and not path.is_symlink()
    ]


def _text(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as sink:
            sink.write(text)
        Path(temporary).chmod(0o644)  # it is for git and for colleagues; mkstemp makes it private
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
