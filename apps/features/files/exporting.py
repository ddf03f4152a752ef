"""Writes drafts, or what is live, as files."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from apps.core.errors import NotFound
from apps.features.files import schemas
from apps.features.files.canonical_yaml import dump
from apps.features.files.closure import closure
from apps.features.files.folder import ROOT_FILE
from apps.features.files.kinds import FEATURES, KINDS, Document, Documents
from apps.features.files.needs import needs_of
from apps.features.files.problems import FileProblem, FilesRefused
from apps.features.files.reading import name_of, shape_problems
from apps.features.files.released import released
from apps.features.files.source import Source, drafts
from apps.features.files.strict_yaml import load
from apps.features.files.writing import Written, write


class FeaturesUnknown(NotFound):
    code, reason = "FEATURES_2022", "E_FEATURES_UNKNOWN"
    message = _("There is no feature %(keys)s to export.")


@dataclass(frozen=True)
class Export:
    """What was written, and what should be said of it."""

    files: Written
    warnings: list[FileProblem]


def export_files(
    root: Path, *, features: Collection[str] = (), live: bool = False, prune: bool = False, dry_run: bool = False
) -> Export:
    """Write the drafts, or what is `live`, below `root`; with `features` only those with their parts.

    The same content gives the same bytes, and files that hold them already are not touched. `prune` removes the files
    of what no longer exists, never of what was only not chosen. Raises `FeaturesUnknown`, and `FilesRefused` when
    `root` cannot be written to or holds another format.
    """
    source = released() if live else drafts()
    if unknown := sorted(set(features) - set(source.documents[FEATURES.folder])):
        raise FeaturesUnknown(keys=", ".join(unknown))
    _check_format(root)
    chosen = closure(source.documents, features) if features else source.documents
    existing = {name_of(folder, key) for folder, found in source.documents.items() for key in found}
    files = write(root, _texts(chosen, source), existing=existing, prune=prune, dry_run=dry_run)
    return Export(files, [*_kept(source.warnings, files), *_not_importable(chosen)])


def _texts(chosen: Documents, source: Source) -> dict[str, str]:
    texts = {ROOT_FILE: dump({"format": schemas.FORMAT})}
    for folder, documents in chosen.items():
        for key, document in documents.items():
            told = _with_needs(document, source) if folder == FEATURES.folder else document
            texts[name_of(folder, key)] = dump(told)
    return texts


def _with_needs(feature: Document, source: Source) -> Document:
    needs = needs_of(source.documents, feature, source.hashes[feature["key"]])
    return {**feature, "requires": needs.as_document()}


def _check_format(root: Path) -> None:
    """Files of a newer format are not overwritten by an older version."""
    try:
        found = load((root / ROOT_FILE).read_bytes()[:10_000], file=ROOT_FILE).value
    except OSError:
        return  # not there, or writing will say why not
    if isinstance(found, dict) and found.get("format", schemas.FORMAT) != schemas.FORMAT:
        words = _("This format is not known here; this version reads and writes format %(known)s.")
        message = str(words) % {"known": schemas.FORMAT}
        raise FilesRefused([FileProblem("E_FORMAT", ROOT_FILE, message, "/format")])


def _kept(warnings: list[FileProblem], files: Written) -> list[FileProblem]:
    exported = {*files.written, *files.unchanged}
    return [warning for warning in warnings if warning.file in exported]


def _not_importable(chosen: Documents) -> list[FileProblem]:
    """Drafts that a person has to mend before an import takes their files."""
    return [
        FileProblem(problem.code, problem.file, problem.message, problem.pointer, level="warning")
        for kind in KINDS
        for key, document in chosen[kind.folder].items()
        for problem in shape_problems(kind, name_of(kind.folder, key), document)
    ]
