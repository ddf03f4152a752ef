"""Collect prompts for a release, and fill released ones."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.prompts.declarations import is_choice, is_too_long
from apps.prompts.errors import VariableMissing, VariableUnfit
from apps.prompts.reach import all_reached
from apps.prompts.templates import render
from apps.prompts.texts import texts_named
from apps.prompts.variables import Prompts, Variable, expected, needed_by, passes, texts_of


@dataclass(frozen=True)
class FilledPrompt:
    """The texts to send to a model."""

    system: str
    body: str


def collect_prompts(references: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What `references` stand for now with everything that is included, each by its reference as it is written.

    Those that stand for nothing are left out. One query for each level of includes, three where versions are named,
    and no more levels than may be released and one beyond.
    """
    found: Mapping[str, Any] = all_reached(references, texts_named)
    return {name: found[name].as_released() for name in sorted(found)}


def fill_prompt(
    released: Mapping[str, Any], values: Mapping[str, Any], *, prompts: Prompts | None = None
) -> FilledPrompt:
    """The prompt's texts with `values`; only declared variables are passed on.

    What it includes is looked up in `prompts`, those of the same release. Raises `VariableMissing` for a required
    variable without a value, `VariableUnfit` for one that is not what was declared, and the errors of
    `templates.render`.
    """
    others = prompts or {}
    given = {variable["name"]: _value(variable, values) for variable in needed_by(released, others)}
    texts = texts_of(others)
    system, body = (render(released[field], given, texts=texts) for field in ("system", "body"))
    return FilledPrompt(system, body)


def _value(variable: Variable, values: Mapping[str, Any]) -> Any:
    name = variable["name"]
    value = values.get(name, variable.get("default"))
    if value in (None, ""):
        if variable.get("required", True):
            raise VariableMissing(name=name)
        return ""
    if not is_given_well(variable, value):
        raise VariableUnfit(name=name, expected=expected(variable))
    return value


def is_given_well(variable: Variable, value: Any) -> bool:
    """Whether a run takes `value`: a text may be given as any scalar and a number as text, for wiring makes texts."""
    choices = variable.get("choices")
    return (
        passes(value, variable.get("type"))
        and not (isinstance(choices, list) and not is_choice(value, choices))
        and not is_too_long(value, variable)
    )
