"""The one template language: Liquid, analysed before it runs and limited while it runs.

No template can reach Python: Liquid has no calls, the values are plain JSON, and loops, output and nesting are capped.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache, wraps
from typing import Any

from liquid import Environment, StrictUndefined
from liquid.exceptions import FilterValueError, LiquidError, UndefinedError
from liquid.template import BoundTemplate

from apps.prompts.errors import TemplateInvalid, VariableMissing

MAX_SOURCE = 100_000
MAX_TEXT = 1_000_000  # characters that one filter may make, and one template may put out
MAX_ITEMS = 1_000  # of a loop, and of a range that is handed to a filter
_GROWING = frozenset({"replace", "join"})  # what they make grows with the product of what they are given


class PromptEnvironment(Environment):
    """Liquid's limits for text that users may fill."""

    context_depth_limit = 10
    loop_iteration_limit = MAX_ITEMS
    local_namespace_limit = 100_000
    output_stream_limit = MAX_TEXT


def _limited(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that refuses to make more than Liquid's own limits would let through."""

    @wraps(work)
    def limited(value: Any, *args: Any, **kwargs: Any) -> Any:
        if any(isinstance(given, range) and len(given) > MAX_ITEMS for given in (value, *args)):
            raise FilterValueError(f"{name}: more than {MAX_ITEMS} items", token=None)
        if name in _GROWING and len(str(value)) * len(str(args[-1] if args else "")) > MAX_TEXT:
            raise FilterValueError(f"{name}: the text would become too long", token=None)
        return work(value, *args, **kwargs)

    return limited


def _new_environment() -> PromptEnvironment:
    environment = PromptEnvironment(undefined=StrictUndefined, autoescape=False)
    for name, work in list(environment.filters.items()):
        environment.add_filter(name, _limited(name, work))
    return environment


_environment = _new_environment()


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
        return parse(source).render(dict(values))
    except UndefinedError as exc:
        raise VariableMissing(name=_undefined_name(exc)) from exc
    except LiquidError as exc:
        raise TemplateInvalid(what=str(exc)[:300]) from exc
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as exc:
        # Values of a kind that a filter was not written for; the library lets these through.
        raise TemplateInvalid(what=f"{type(exc).__name__}: {exc}"[:300]) from exc


def _undefined_name(exc: UndefinedError) -> str:
    return str(exc).partition("'")[2].partition("'")[0] or str(exc)


def variables_of(source: str) -> set[tuple[str, ...]]:
    """The paths that `source` reads from outside, such as `("start", "image")`. Raises `TemplateInvalid`."""
    found: set[tuple[str, ...]] = set()
    for spans in parse(source).analyze().globals.values():
        for variable in spans:
            found.add(tuple(str(segment) for segment in variable.segments))
    return found
