"""Writes canonical YAML: the same value gives the same bytes, and every YAML reader reads the same value.

Block style, two spaces, no aliases, no folding; texts of several lines as literal blocks. What YAML 1.1 or 1.2 would
take for something else than text (`no`, `1e3`, `12:30`, `2026-01-01`) is quoted.
"""

import re
from collections.abc import Mapping
from typing import Any

import yaml

# Fields that a reader looks for first stand first; the others follow in the order of the alphabet.
_FIRST = {
    name: rank
    for rank, name in enumerate(("$schema", "id", "key", "name", "type", "title", "source", "target", "nodes"))
}
# A literal block can hold it: printable, and no break but the line feed (others become line feeds when read).
_LITERAL = re.compile(
    "[\\t\\n\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]*"
)
_LONGEST_LINE = 2**31  # that is: never fold


def ordered(value: Any) -> Any:
    """`value` with every mapping in canonical order; lists stay as they are."""
    if isinstance(value, Mapping):
        return {name: ordered(value[name]) for name in sorted(value, key=lambda n: (_FIRST.get(n, len(_FIRST)), n))}
    return [ordered(item) for item in value] if isinstance(value, list) else value


def dump(document: Mapping[str, Any]) -> str:
    """`document` as canonical YAML; its mappings are written in the order they have."""
    return yaml.dump(
        document,
        Dumper=_Dumper,
        default_flow_style=False,
        allow_unicode=True,
        sort_keys=False,
        width=_LONGEST_LINE,
        line_break="\n",
    )


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Items of a list stand below their name, as editors indent them."""
        super().increase_indent(flow, False)

    def analyze_scalar(self, scalar: str) -> Any:
        """PyYAML writes no literal block for tabs and for spaces at the end of a line; they are safe in one."""
        analysis = super().analyze_scalar(scalar)
        analysis.allow_block = _is_literal(scalar)
        return analysis


def _is_literal(text: str) -> bool:
    # A text that begins with white space would depend on its block's indentation being told, which readers get wrong.
    return "\n" in text and text[0] not in " \t\n" and bool(_LITERAL.fullmatch(text))


def _write_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = None
    if _is_literal(text):
        style = "|"
    elif len(text.splitlines()) > 1 or not text.isprintable():
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _write_text)
# What YAML 1.2, or another reader of 1.1, takes for a number or a truth value although PyYAML does not.
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?$|^0o[0-7]+$"),
    list("-+.0123456789"),
)
_Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^[yYnN]$"), list("yYnN"))
