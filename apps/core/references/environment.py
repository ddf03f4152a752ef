"""`docs/settings.md`: every environment variable, with its default read from the settings modules."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.core.references import notice, table
from apps.core.references.explanations import SECTIONS, Setting

INTRODUCTION = """
`make run` needs none of these. Give what you want to change in the environment, or in `.env` beside the `Makefile`
([.env.example](../.env.example) is a start). The environment wins over `.env`; both win over the file `.env` in the
data folder, where the first start keeps the secrets it made. An empty value counts as unset for `make run`. Lists are
separated by commas; sizes are in bytes and spans in seconds unless a line says otherwise.
"""


@dataclass(frozen=True)
class Read:
    """One place where the settings modules read a variable."""

    name: str
    module: str
    default: ast.expr | None


def build() -> str:
    """The page. A variable without an explanation is listed as such, and a test refuses it."""
    parts = ["# Settings", notice("config/settings and apps/core/references/explanations.py"), INTRODUCTION.strip()]
    for section in SECTIONS:
        rows = [(f"`{one.name}`", _shown(one), one.words) for one in section.settings]
        parts += [f"## {section.title}", *([section.words] if section.words else [])]
        parts.append(table(("Variable", "Default", "Meaning"), rows))
    return "\n\n".join(parts)


def unexplained() -> list[str]:
    """Variables that the settings modules read and no line explains."""
    explained = {one.name for section in SECTIONS for one in section.settings}
    return sorted({read.name for read in reads()} - explained)


@cache
def reads() -> tuple[Read, ...]:
    """Every `env.…("NAME", default=…)` of the settings modules; `base` first."""
    folder = Path(settings.BASE_DIR) / "config" / "settings"
    modules = sorted(folder.glob("*.py"), key=lambda file: (file.stem != "base", file.stem))
    return tuple(read for file in modules for read in _reads(file))


def _reads(file: Path) -> Iterator[Read]:
    for call in ast.walk(ast.parse(file.read_text("utf-8"))):
        if (
            isinstance(call, ast.Call)
            and _is_reader(call.func)
            and call.args
            and isinstance(call.args[0], ast.Constant)
        ):
            default = next((word.value for word in call.keywords if word.arg == "default"), None)
            yield Read(str(call.args[0].value), file.stem, default)


def _is_reader(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "env"


def _shown(setting: Setting) -> str:
    """The default: the explanation's words where it has some, else what the code says."""
    if setting.default is not None:
        return setting.default
    found = next((read.default for read in reads() if read.name == setting.name), None)
    value = _value(found) if found is not None else ""
    if isinstance(value, list):
        value = ",".join(map(str, value))
    return f"`{str(value).lower() if isinstance(value, bool) else value}`" if value != "" else "none"


def _value(expression: ast.expr) -> Any:
    """A literal, or a product of literals; anything else needs words in its explanation."""
    if isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Mult):
        return _value(expression.left) * _value(expression.right)
    return ast.literal_eval(expression)
