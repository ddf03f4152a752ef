"""Fill a released prompt."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.prompts.errors import VariableMissing
from apps.prompts.templates import render

__all__ = ["FilledPrompt", "fill_prompt"]


@dataclass(frozen=True)
class FilledPrompt:
    """The texts to send to a model."""

    system: str
    body: str


def fill_prompt(released: Mapping[str, Any], values: Mapping[str, Any]) -> FilledPrompt:
    """The prompt's texts with `values`; only declared variables are passed on.

    Raises `VariableMissing` for a required one without a value.
    """
    given: dict[str, Any] = {}
    for variable in released["variables"]:
        name = variable["name"]
        value = values.get(name, variable.get("default"))
        if value in (None, "") and variable.get("required", True):
            raise VariableMissing(name=name)
        given[name] = "" if value is None else value
    return FilledPrompt(render(released["system"], given), render(released["body"], given))
