"""The one template language: Liquid, analysed before it runs and limited while it runs.

No template can reach Python: Liquid has no calls, the values are plain JSON, and loops, output and nesting are capped.
A template may bring in others by name; which texts those names stand for is told by the caller, each time.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache, wraps
from types import MappingProxyType
from typing import Any, Final

from liquid import Environment, StrictUndefined
from liquid.exceptions import FilterValueError, LiquidError, UndefinedError
from liquid.template import BoundTemplate

from apps.prompts.errors import TemplateInvalid, VariableMissing
from apps.prompts.includes import Include, IncludingTemplate, SnapshotLoader, add_tags, found_in, texts_for

MAX_SOURCE = 100_000
MAX_TEXT = 1_000_000  # characters that one filter may make, and one template may put out
MAX_ITEMS = 1_000  # of a loop, and of a range that is handed to a filter
_GROWING = frozenset({"replace", "join"})  # what they make grows with the product of what they are given

Texts = Mapping[str, str]
NO_TEXTS: Final[Texts] = MappingProxyType({})


class PromptEnvironment(Environment):
    """Liquid's limits for text that users may fill."""

    template_class = IncludingTemplate
    # Scopes, of which an included text opens two and a loop one; how deep texts may include is counted by themselves.
    context_depth_limit = 40
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
    environment = PromptEnvironment(loader=SnapshotLoader(_parse), undefined=StrictUndefined, autoescape=False)
    for name, work in list(environment.filters.items()):
        environment.add_filter(name, _limited(name, work))
    add_tags(environment)
    return environment


@lru_cache(maxsize=512)
def _parse(source: str, name: str = "") -> BoundTemplate:
    """Kept by the text itself, so that two snapshots never see each other's; the name is what `with` binds to."""
    if len(source) > MAX_SOURCE:
        raise TemplateInvalid(what=f"longer than {MAX_SOURCE} characters")
    return _environment.from_string(source, name=name)


_environment = _new_environment()


def parse(source: str) -> BoundTemplate:
    """The parsed template. Raises `TemplateInvalid` with the parser's words."""
    try:
        return _parse(source)
    except (LiquidError, RecursionError) as exc:
        raise TemplateInvalid(what=str(exc)[:300]) from exc


def includes_of(source: str) -> tuple[Include, ...]:
    """What `source` brings in by name, in order and as often as it is written. Raises `TemplateInvalid`."""
    return found_in(parse(source))


def render(source: str, values: Mapping[str, Any], *, texts: Texts = NO_TEXTS) -> str:
    """`source` with `values`; what it includes is looked up in `texts` and nowhere else.

    Raises `VariableMissing` or `TemplateInvalid`, the latter also for a name that `texts` lacks, a chain of includes
    deeper than ten, and more than a thousand included texts in all.
    """
    try:
        with texts_for(texts):
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


def variables_of(source: str, *, texts: Texts = NO_TEXTS) -> set[tuple[str, ...]]:
    """The paths that `source` and what it includes read from outside, such as `("start", "image")`.

    Raises `TemplateInvalid`, also for an included name that `texts` lacks.
    """
    try:
        with texts_for(texts):
            spans = parse(source).analyze().globals.values()
    except (LiquidError, RecursionError) as exc:
        raise TemplateInvalid(what=str(exc)[:300]) from exc
    return {tuple(str(segment) for segment in variable.segments) for found in spans for variable in found}
