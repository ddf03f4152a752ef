"""Prompts: their templates, what they include, and the variables they declare."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import ApiError
from apps.core.publishing.registry import Problem
from apps.features.checks.graphs import graphs_of
from apps.pipelines.parts import prompts_named
from apps.prompts.declarations import mistakes_in
from apps.prompts.inclusion import inclusion_problems
from apps.prompts.templates import parse
from apps.prompts.variables import FIELDS, needed_by, used_by


def prompts_valid(payload: dict[str, Any]) -> Iterator[Problem]:
    """Everything that can be said of the prompts without looking at who gives them their values."""
    prompts = payload["prompts"]
    for key, prompt in prompts.items():
        yield from _templates(key, prompt)
        yield from _declarations(f"/prompts/{key}/variables", prompt)
    for found in inclusion_problems(prompts):
        yield Problem(found.code, f"/prompts/{found.key}/{found.field}", found.message)
    filled = {key for placed in graphs_of(payload) for key in prompts_named(placed.graph)}
    for key in sorted(filled & prompts.keys()):
        yield from _undeclared(key, prompts)


def _templates(key: str, prompt: dict[str, Any]) -> Iterator[Problem]:
    for field in FIELDS:
        try:
            parse(prompt[field])
        except ApiError as exc:
            yield Problem("E_TEMPLATE", f"/prompts/{key}/{field}", exc.text())


def _declarations(path: str, prompt: dict[str, Any]) -> Iterator[Problem]:
    for mistake in mistakes_in(prompt["variables"]):
        yield Problem(mistake.code, f"{path}{mistake.pointer}", mistake.message)


def _undeclared(key: str, prompts: dict[str, Any]) -> Iterator[Problem]:
    for field in FIELDS:
        try:
            known = {variable["name"] for variable in needed_by(prompts[key], prompts)}
            used = used_by(prompts[key][field], prompts)
        except ApiError:
            continue  # the template, or what it includes, was told already
        for name in sorted(used - known):
            words = _("The prompt uses “%(name)s”, which is not among its variables.") % {"name": name}
            yield Problem("E_VARIABLE_UNDECLARED", f"/prompts/{key}/{field}", words)
