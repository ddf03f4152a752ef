"""Collect prompts for a release, and fill released ones."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.core.errors import ApiError
from apps.prompts.errors import VariableMissing
from apps.prompts.includes import MAX_DEPTH
from apps.prompts.models import Prompt
from apps.prompts.templates import includes_of, render
from apps.prompts.variables import Prompts, needed_by, texts_of

__all__ = ["FilledPrompt", "collect_prompts", "fill_prompt"]


@dataclass(frozen=True)
class FilledPrompt:
    """The texts to send to a model."""

    system: str
    body: str


def collect_prompts(keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The drafts named by `keys` with everything they include; those that do not exist are left out.

    One query for each level of includes, and no more than may be released and one beyond.
    """
    found: dict[str, dict[str, Any]] = {}
    wanted = set(keys)
    for _level in range(MAX_DEPTH + 2):
        if not wanted:
            break
        level = {prompt.key: prompt.as_released() for prompt in Prompt.objects.filter(key__in=wanted)}
        found |= level
        wanted = {key for prompt in level.values() for key in _included(prompt)} - found.keys()
    return dict(sorted(found.items()))


def _included(prompt: Mapping[str, Any]) -> set[str]:
    """The keys the draft includes; a text that cannot be parsed includes nothing, the checks name it."""
    keys: set[str] = set()
    for field in ("system", "body"):
        try:
            keys |= {include.key for include in includes_of(prompt[field])}
        except ApiError:
            continue
    return keys


def fill_prompt(
    released: Mapping[str, Any], values: Mapping[str, Any], *, prompts: Prompts | None = None
) -> FilledPrompt:
    """The prompt's texts with `values`; only declared variables are passed on.

    What it includes is looked up in `prompts`, those of the same release. Raises `VariableMissing` for a required
    variable without a value, and the errors of `templates.render`.
    """
    others = prompts or {}
    given: dict[str, Any] = {}
    for variable in needed_by(released, others):
        name = variable["name"]
        value = values.get(name, variable.get("default"))
        if value in (None, "") and variable.get("required", True):
            raise VariableMissing(name=name)
        given[name] = "" if value is None else value
    texts = texts_of(others)
    system, body = (render(released[field], given, texts=texts) for field in ("system", "body"))
    return FilledPrompt(system, body)
