"""Reads a folder into documents: whatever is wrong with the files themselves is found here, all of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from apps.core.form_input import field_errors
from apps.features.files import schemas, strict_yaml
from apps.features.files.folder import ROOT_FILE, SUFFIX, read
from apps.features.files.kinds import KINDS, Documents, Kind
from apps.features.files.problems import FileProblem
from apps.features.files.strict_yaml import Loaded

_CODES = {"required": "E_FIELD_MISSING", "additionalProperties": "E_FIELD_UNKNOWN", "type": "E_FIELD_TYPE"}


@dataclass
class Reading:
    """Sound documents, the names of all files (sound or not), and the problems."""

    documents: Documents = field(default_factory=lambda: {kind.folder: {} for kind in KINDS})
    loaded: dict[str, Loaded] = field(default_factory=dict)
    problems: list[FileProblem] = field(default_factory=list)

    def has(self, folder: str, key: str) -> bool:
        """Whether there is a file for `key`, sound or not."""
        return name_of(folder, key) in self.loaded

    def problem(self, code: str, name: str, pointer: str, message: str, **level: Any) -> FileProblem:
        """A problem in a file that was read, with its line."""
        return FileProblem(code, name, message, pointer, self.loaded[name].line_of(pointer), **level)


def name_of(folder: str, key: str) -> str:
    """The file of `key`."""
    return f"{folder}/{key}{SUFFIX}"


def read_documents(root: Path) -> Reading:
    """Every document below `root`. Reads the disk only."""
    contents = read(root)
    reading = Reading(problems=contents.problems)
    for name, content in contents.files.items():
        loaded = reading.loaded[name] = strict_yaml.load(content, file=name)
        if not loaded.problems:
            _check_shape(loaded, _schema(name))
        if not loaded.problems and name != ROOT_FILE:
            folder, _slash, file = name.partition("/")
            _check_key(loaded, file.removesuffix(SUFFIX))
            reading.documents[folder][loaded.value["key"]] = loaded.value
        reading.problems += loaded.problems
    return reading


def shape_problems(kind: Kind, name: str, document: Mapping[str, Any]) -> list[FileProblem]:
    """What an import would refuse in `document`."""
    loaded = Loaded(name, dict(document))
    _check_shape(loaded, kind.schema)
    return loaded.problems


def _schema(name: str) -> Mapping[str, Any]:
    by_folder: dict[str, Mapping[str, Any]] = {kind.folder: kind.schema for kind in KINDS}
    return by_folder.get(name.partition("/")[0], schemas.ROOT)


def _check_shape(loaded: Loaded, schema: Mapping[str, Any]) -> None:
    of_format = loaded.file == ROOT_FILE and isinstance(loaded.value, dict) and "format" in loaded.value
    if of_format and (type(loaded.value["format"]), loaded.value["format"]) != (int, schemas.FORMAT):
        words = _("This format is not known here; this version reads and writes format %(known)s.")
        loaded.refuse("E_FORMAT", words % {"known": schemas.FORMAT}, "/format")
    for error in field_errors(schema, loaded.value):
        if not (of_format and error["pointer"] == "/format"):
            loaded.refuse(_CODES.get(error["code"], "E_FIELD_VALUE"), error["message"], error["pointer"])
    for pointer in _pointed(loaded.value):
        loaded.refuse("E_FIELD_TYPE", _("Write a whole number without a point."), pointer)


def _pointed(document: Any) -> Iterator[str]:
    """JSON Schema takes 7.0 for a whole number; a column does not."""
    if isinstance(document, dict):
        yield from (f"/{name}" for name in ("order", "cost") if isinstance(document.get(name), float))


def _check_key(loaded: Loaded, stem: str) -> None:
    if loaded.value["key"] != stem:
        words = _("The key must be the name of the file without “%(suffix)s”.") % {"suffix": SUFFIX}
        loaded.refuse("E_KEY", words, "/key")
