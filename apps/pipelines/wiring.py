"""Inputs of a node: values of earlier nodes, by Liquid. A lone `{{ path }}` keeps the value's type."""

import re
from collections.abc import Mapping
from typing import Any

from apps.pipelines.errors import ReferenceMissing
from apps.prompts.templates import render, variables_of

_LONE = re.compile(r"^\s*\{\{\s*([a-z][a-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)\s*\}\}\s*$")


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
    return render(template, outputs)


def lone_path(template: str) -> tuple[str, ...] | None:
    """The path of a template that is nothing but `{{ path }}`, and so keeps the value's type."""
    lone = _LONE.match(template)
    return tuple(lone.group(1).split(".")) if lone else None


def _look_up(path: tuple[str, ...], outputs: Mapping[str, Any]) -> Any:
    value: Any = outputs
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            raise ReferenceMissing(path=".".join(path))
        value = value[name]
    return value


def references(template: Any) -> set[tuple[str, ...]]:
    """Every path a template reads, such as `("cut", "image")`. Raises `TemplateInvalid`."""
    if isinstance(template, dict):
        return {path for inner in template.values() for path in references(inner)}
    if isinstance(template, list):
        return {path for inner in template for path in references(inner)}
    return variables_of(template) if isinstance(template, str) and "{" in template else set()
