"""Reads YAML as data that JSON could hold, and refuses the rest by name and line.

Plain values are those of the YAML 1.2 core schema: `no`, `12:30` and dates are text. Anchors, aliases, tags, merges,
names that are not text or stand twice, and several documents in one file are problems.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from apps.features.files.problems import FileProblem

MAX_DEPTH = 60  # of nested lists and mappings; a form has fewer than 20
MAX_PROBLEMS = 50  # of one file; more do not help whoever mends it
_PREFIX = "tag:yaml.org,2002:"


@dataclass
class Loaded:
    """What a file holds: the value, the line of each pointer, and what was wrong."""

    file: str
    value: Any = None
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[FileProblem] = field(default_factory=list)

    def line_of(self, pointer: str) -> int:
        """The line of `pointer`, or of what it would stand in."""
        while pointer not in self.lines and pointer:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer, 0)

    def refuse(self, code: str, message: str | Promise, pointer: str = "", line: int = 0) -> None:
        """Note a problem, with its line."""
        if len(self.problems) < MAX_PROBLEMS:
            at = line or self.line_of(pointer)
            self.problems.append(FileProblem(code, self.file, str(message), pointer, at))


def load(content: bytes, *, file: str) -> Loaded:
    """The value of `content`, with every problem; the value is of use only when there is none."""
    loaded = Loaded(file)
    try:
        node = _Loader(content.decode("utf-8-sig"), loaded).get_single_node()
        loaded.value = _value(node, "", 0, loaded) if node is not None else None
    except UnicodeDecodeError:
        loaded.refuse("E_TEXT", _("The file is not UTF-8 text."))
    except ReaderError as exc:
        words = _("The character %(code)s is not allowed in YAML: write it as an escape in double quotes.")
        line = content.decode("utf-8-sig").count("\n", 0, exc.position) + 1
        loaded.refuse("E_TEXT", words % {"code": f"U+{exc.character:04X}"}, line=line)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        loaded.refuse("E_YAML", exc.problem or exc.context or str(exc), line=mark.line + 1 if mark else 0)
    except RecursionError:
        loaded.refuse("E_TOO_DEEP", _too_deep())
    return loaded


class _Loader(Reader, Scanner, Parser, Composer, BaseResolver):
    """Composes nodes; what could hide or run something is noted on the way."""

    def __init__(self, text: str, loaded: Loaded) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)
        self._loaded = loaded

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs leave the parser out
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            self._loaded.refuse("E_ALIAS", _("Aliases are not allowed: write the value out."), line=line)
            self.get_event()  # type: ignore[no-untyped-call]  # as above
            return yaml.ScalarNode(f"{_PREFIX}null", "", event.start_mark, event.end_mark)  # type: ignore[arg-type]  # as above
        if event.anchor is not None:
            self._loaded.refuse("E_ALIAS", _("Anchors are not allowed: write the value out."), line=line)
            event.anchor = None
        if event.tag is not None:
            self._loaded.refuse("E_TAG", _("Tags such as !!name are not allowed."), line=line)
            event.tag = None
        return super().compose_node(parent, index)


_INT = re.compile(r"^[-+]?[0-9]+$")
_FLOAT = re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
_PLAIN = (
    ("null", re.compile(r"^(~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    ("bool", re.compile(r"^(true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    ("int", _INT, list("-+0123456789")),
    ("float", _FLOAT, list("-+.0123456789")),
)
for _name, _pattern, _initials in _PLAIN:
    _Loader.add_implicit_resolver(_PREFIX + _name, _pattern, _initials)


def _value(node: Any, pointer: str, depth: int, loaded: Loaded) -> Any:
    loaded.lines.setdefault(pointer, node.start_mark.line + 1)
    if depth >= MAX_DEPTH and not isinstance(node, yaml.ScalarNode):
        loaded.refuse("E_TOO_DEEP", _too_deep(), pointer)
        return None
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, f"{pointer}/{index}", depth + 1, loaded) for index, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, pointer, depth, loaded)
    return _scalar(node, pointer, loaded)


def _mapping(node: Any, pointer: str, depth: int, loaded: Loaded) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name_node, value_node in node.value:
        line = name_node.start_mark.line + 1
        if not isinstance(name_node, yaml.ScalarNode) or name_node.tag != f"{_PREFIX}str":
            loaded.refuse("E_NAME_TYPE", _("A name must be text: put it in quotes."), pointer, line)
            continue
        name = str(_scalar(name_node, pointer, loaded))
        here = f"{pointer}/{escaped(name)}"
        if name in found:
            loaded.refuse("E_DUPLICATE_KEY", _("This name stands twice."), here, line)
            continue
        loaded.lines[here] = line
        found[name] = _value(value_node, here, depth + 1, loaded)
    return found


def escaped(name: str) -> str:
    """`name` as a part of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def _scalar(node: Any, pointer: str, loaded: Loaded) -> Any:
    kind, text = node.tag.removeprefix(_PREFIX), node.value
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind in ("int", "float"):
        return _number(kind, text, pointer, loaded)
    try:
        text.encode()
    except UnicodeEncodeError:
        loaded.refuse("E_TEXT", _("The text holds half a character."), pointer)
    return text


def _number(kind: str, text: str, pointer: str, loaded: Loaded) -> int | float | None:
    try:
        number = int(text) if kind == "int" else float(text)
    except ValueError:  # more digits than Python reads
        number = float("inf")
    if number in (float("inf"), float("-inf")):
        loaded.refuse("E_FIELD_VALUE", _("This number is too large."), pointer)
        return None
    return number


def _too_deep() -> str:
    return _("Nested more than %(max)s levels deep.") % {"max": MAX_DEPTH}
