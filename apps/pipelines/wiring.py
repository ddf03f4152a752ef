"""Inputs of a node: values of earlier nodes, by Liquid. A lone `{{ path }}` keeps the value's type.

So does a choice, `{{ a.text | default: b.text | default: "none" }}`: the first that is there and not empty. It is how
ways that exclude each other come together again, because only a choice may name a node that did not run.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from apps.pipelines.errors import ReferenceMissing
from apps.prompts.templates import render, variables_of

Path = tuple[str, ...]
_PATH = r"[a-z][a-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*"
_LITERAL = r"\"[^\"{}\\]*\"|'[^'{}\\]*'|-?[0-9]{1,15}(?:\.[0-9]{1,15})?|true|false"
_LONE = re.compile(rf"^\s*\{{\{{\s*({_PATH})\s*\}}\}}\s*$")
_CHOICE = re.compile(rf"^\s*\{{\{{\s*({_PATH})((?:\s*\|\s*default\s*:\s*(?:{_LITERAL}|{_PATH}))+)\s*\}}\}}\s*$")
_OPTION = re.compile(rf"\|\s*default\s*:\s*({_LITERAL}|{_PATH})")
_TRUTHS: Final = {"true": True, "false": False}
MISSING: Final = object()


def resolve(template: Any, outputs: Mapping[str, Any]) -> Any:
    """The value of one input. Raises `ReferenceMissing` or the template's errors."""
    if isinstance(template, dict):
        return {name: resolve(inner, outputs) for name, inner in template.items()}
    if isinstance(template, list):
        return [resolve(inner, outputs) for inner in template]
    if not isinstance(template, str) or "{" not in template:
        return template
    if path := lone_path(template):
        return _look_up(path, outputs)
    if options := choice_of(template):
        return _first(options, outputs)
    return render(template, outputs)


def lone_path(template: str) -> Path | None:
    """The path of a template that is nothing but `{{ path }}`, and so keeps the value's type."""
    lone = _LONE.match(template)
    return tuple(lone.group(1).split(".")) if lone else None


@lru_cache(maxsize=4096)
def choice_of(template: str) -> tuple[Any, ...] | None:
    """What a template that is nothing but a choice chooses from: paths, and any other value as a list of one."""
    choice = _CHOICE.match(template)
    if not choice:
        return None
    return (tuple(choice.group(1).split(".")), *(_option(word) for word in _OPTION.findall(choice.group(2))))


def _option(word: str) -> Path | list[Any]:
    if word in _TRUTHS:
        return [_TRUTHS[word]]
    if word[0] in "\"'":
        return [word[1:-1]]
    if word[0] in "-0123456789":
        return [float(word) if "." in word else int(word)]
    return tuple(word.split("."))


def _first(options: tuple[Any, ...], outputs: Mapping[str, Any]) -> Any:
    """As Liquid's `default`: nothing, false and what is empty give way to the next. The last stands as it is."""
    value: Any = MISSING
    for option in options:
        chosen = option[0] if isinstance(option, list) else found(option, outputs)
        value = value if chosen is MISSING else chosen
        if chosen is not MISSING and chosen is not None and chosen is not False and chosen not in ("", [], {}):
            return chosen
    if value is MISSING:
        raise ReferenceMissing(path=".".join(options[0]))
    return value


def _look_up(path: Path, outputs: Mapping[str, Any]) -> Any:
    value = found(path, outputs)
    if value is MISSING:
        raise ReferenceMissing(path=".".join(path))
    return value


def found(path: Path, outputs: Mapping[str, Any]) -> Any:
    """What stands at `path`; `MISSING` where nothing does."""
    value: Any = outputs
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return MISSING
        value = value[name]
    return value


def references(template: Any) -> set[Path]:
    """Every path a template reads, such as `("cut", "image")`. Raises `TemplateInvalid`."""
    return {path for text in texts_in(template) for path in _read_by(text)}


def texts_in(template: Any) -> list[str]:
    """The texts in an input that are templates, however deep."""
    if isinstance(template, dict | list):
        inner = template.values() if isinstance(template, dict) else template
        return [text for one in inner for text in texts_in(one)]
    return [template] if isinstance(template, str) and "{" in template else []


@lru_cache(maxsize=4096)
def _read_by(template: str) -> frozenset[Path]:
    """Kept by the text: the editor asks again with every key, of which one changes."""
    if path := lone_path(template):
        return frozenset({path})
    if options := choice_of(template):
        return frozenset(option for option in options if isinstance(option, tuple))
    return frozenset(variables_of(template))
