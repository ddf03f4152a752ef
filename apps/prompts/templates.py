"""The one template language: Liquid, analysed before it runs and limited while it runs.

No template can reach Python: Liquid has no calls, the values are plain JSON, and loops, output and nesting are capped.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from liquid import Environment, StrictUndefined
from liquid.exceptions import LiquidError, UndefinedError
from liquid.template import BoundTemplate

from apps.prompts.errors import TemplateInvalid, VariableMissing

MAX_SOURCE = 100_000


class PromptEnvironment(Environment):
    """Liquid's limits for text that users may fill."""

    context_depth_limit = 10
    loop_iteration_limit = 1_000
    local_namespace_limit = 100_000
    output_stream_limit = 1_000_000


_environment = PromptEnvironment(undefined=StrictUndefined, autoescape=False)


@lru_cache(maxsize=512)
def _parse(source: str) -> BoundTemplate:
    return _environment.from_string(source)


def parse(source: str) -> BoundTemplate:
    """The parsed template. Raises `TemplateInvalid` with the parser's words."""
    if len(source) > MAX_SOURCE:
        raise TemplateInvalid(what=f"longer than {MAX_SOURCE} characters")
    try:
        return _parse(source)
    except LiquidError as exc:
        raise TemplateInvalid(what=str(exc)[:300]) from exc


def render(source: str, values: Mapping[str, Any]) -> str:
    """`source` with `values`. Raises `VariableMissing` or `TemplateInvalid`."""
    try:
        return parse(source).render(**values)
    except UndefinedError as exc:
        raise VariableMissing(name=_undefined_name(exc)) from exc
    except LiquidError as exc:
        raise TemplateInvalid(what=str(exc)[:300]) from exc


def _undefined_name(exc: UndefinedError) -> str:
    return str(exc).partition("'")[2].partition("'")[0] or str(exc)


def variables_of(source: str) -> set[tuple[str, ...]]:
    """The paths that `source` reads from outside, such as `("start", "image")`. Raises `TemplateInvalid`."""
    found: set[tuple[str, ...]] = set()
    for spans in parse(source).analyze().globals.values():
        for variable in spans:
            found.add(tuple(str(segment) for segment in variable.segments))
    return found
