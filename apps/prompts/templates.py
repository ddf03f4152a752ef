"""The one template language: Liquid, analysed before it runs and limited while it runs.

No template can reach Python: Liquid has no calls, the values are plain JSON, and loops, output and nesting are capped.
A template may bring in others by name; which texts those names stand for is told by the caller, each time.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache, wraps
from types import MappingProxyType
from typing import Any, Final

from django.utils.translation import gettext as _
from liquid import Environment, StrictUndefined, Undefined
from liquid.exceptions import FilterValueError, LiquidError, UndefinedError, UnknownFilterError
from liquid.template import BoundTemplate
from liquid.token import TOKEN_CONTENT, TOKEN_EOF, Token

from apps.prompts.errors import TemplateInvalid, VariableMissing
from apps.prompts.includes import Include, IncludingTemplate, Origin, SnapshotLoader, add_tags, found_in, texts_for
from apps.prompts.places import Place, place_of
from apps.prompts.scanning import check_source, refused
from apps.prompts.timing import check_time, limited_time, mark_blocks

MAX_TEXT = 1_000_000  # characters that one filter may make, and bytes that one template may put out
MAX_ITEMS = 1_000  # of a loop, and of a range that is handed to a filter
MAX_LIST = 10_000  # items that a filter takes
_GROWING = frozenset({"replace", "join"})  # what they make grows with the product of what they are given
_READING = frozenset({"date"})  # they try to understand what they are given
LONG = 4_000  # characters
MAX_READ = 200  # characters of what they try
_SLOW = frozenset({"uniq"})  # their work grows with the square of what they are given

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
        check_time()
        for given in (value, *args):
            most = MAX_ITEMS if isinstance(given, range) or name in _SLOW else MAX_LIST
            if isinstance(given, range | list | tuple) and len(given) > most:
                raise FilterValueError(f"{name}: more than {most} items", token=None)
        if name in _READING and isinstance(value, str) and len(value) > MAX_READ:
            raise FilterValueError(f"{name}: more than {MAX_READ} characters", token=None)
        if name in _GROWING and len(str(value)) * len(str(args[-1] if args else "")) > MAX_TEXT:
            raise FilterValueError(f"{name}: the text would become too long", token=None)
        return work(value, *args, **kwargs)

    return limited


def _new_environment() -> PromptEnvironment:
    environment = PromptEnvironment(loader=SnapshotLoader(_parse), autoescape=False)
    environment.undefined = _undefined  # type: ignore[assignment]  # it is only ever called
    for name, work in list(environment.filters.items()):
        environment.add_filter(name, _limited(name, work))
    add_tags(environment)
    return environment


class _Shown(Undefined):
    """A value that is not there, shown by its name: for a look at a text before all values are known."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{{{{ {self.name} }}}}"


_shows_gaps: ContextVar[bool] = ContextVar("shows_gaps", default=False)


def _undefined(*args: Any, **kwargs: Any) -> Undefined:
    """What a value that is not there is, as the running call wants it: so one parsed text serves both."""
    return (_Shown if _shows_gaps.get() else StrictUndefined)(*args, **kwargs)


_passing: ContextVar[dict[str, BoundTemplate | None] | None] = ContextVar("passing", default=None)


@contextmanager
def passing(*sources: str) -> Iterator[None]:
    """Let `sources` be parsed once until the block ends, and be forgotten then.

    For texts that somebody is typing: each is another one, and a parsed text is some thousand objects. Kept, they would
    push out the texts that are used again, and make every look of the collector of garbage longer.
    """
    token = _passing.set(dict.fromkeys(sources))
    try:
        yield
    finally:
        _passing.reset(token)


def _parse(source: str, name: str = "") -> BoundTemplate:
    """Kept by the text itself, so that two snapshots never see each other's; the name is what `with` binds to.

    A parsed text is some seventy times as large as its source: of long ones few are kept.
    """
    own = _passing.get()
    if own is None or name or source not in own:
        return (_kept if len(source) <= LONG else _kept_long)(source, name)
    parsed = own[source]
    if parsed is None:
        parsed = own[source] = _newly_parsed(source, name)
    return parsed


def _newly_parsed(source: str, name: str) -> BoundTemplate:
    check_source(source)
    template = _environment.from_string(source, name=name)
    _check_filters(template, source)
    mark_blocks(template, Token(TOKEN_CONTENT, "", 0, source))
    return template


def _check_filters(template: BoundTemplate, source: str) -> None:
    """An unknown filter is found where it is written, not where it first runs."""
    for name, spans in template.analyze(include_partials=False).filters.items():
        if name not in template.env.filters:
            token = Token(TOKEN_CONTENT, name, spans[0].index, source)
            raise UnknownFilterError(_("unknown filter “%(name)s”") % {"name": name}, token=token)


_kept = lru_cache(maxsize=512)(_newly_parsed)
_kept_long = lru_cache(maxsize=16)(_newly_parsed)
_environment = _new_environment()


def parse(source: str) -> BoundTemplate:
    """The parsed template. Raises `TemplateInvalid` with the parser's words, and in `details` the place.

    What can be known without values is known then: unclosed and unknown tags, unknown filters, too long a text.
    """
    try:
        return _parse(source)
    except (LiquidError, RecursionError) as exc:
        raise _said(exc, source) from exc


def filters() -> frozenset[str]:
    """The names of all filters that templates may use."""
    return frozenset(_environment.filters)


def tags() -> frozenset[str]:
    """The names of all tags that templates may use."""
    return frozenset(_environment.tags) - {"content", "illegal", "output"}


def _said(exc: Exception, source: str) -> TemplateInvalid:
    """The library's words without its drawing of the place, and the place in `source` as far as it is known."""
    if not isinstance(exc, LiquidError):
        return TemplateInvalid(what=f"{type(exc).__name__}: {exc}"[:300])
    token = exc.token
    if token is not None and token.kind == TOKEN_EOF:
        return refused(str(exc.message)[:300], place_of(source, len(source)))
    inside = token is not None and token.start_index >= 0 and token.source == source
    place = place_of(source, token.start_index, max(1, len(token.value))) if inside and token else None
    return refused(str(exc.message)[:300], place)


def includes_of(source: str) -> tuple[Include, ...]:
    """What `source` brings in by name, in order and as often as it is written. Raises `TemplateInvalid`."""
    return found_in(parse(source))


def render(source: str, values: Mapping[str, Any], *, texts: Texts = NO_TEXTS) -> str:
    """`source` with `values`; what it includes is looked up in `texts` and nowhere else.

    Raises `VariableMissing` or `TemplateInvalid`, the latter also for a name that `texts` lacks, a chain of includes
    deeper than ten, more than a thousand included texts in all, and a text that takes too long to make.
    """
    return _rendered(source, values, texts)


def render_draft(
    source: str, values: Mapping[str, Any], *, texts: Texts = NO_TEXTS, origins: list[Origin] | None = None
) -> str:
    """The same for a look at a draft: a value that is not there is shown as `{{ name }}`. Raises `TemplateInvalid`.

    `origins` is filled with where included texts stand in the answer.
    """
    token = _shows_gaps.set(True)
    try:
        return _rendered(source, values, texts, origins)
    finally:
        _shows_gaps.reset(token)


def _rendered(
    source: str,
    values: Mapping[str, Any],
    texts: Texts,
    origins: list[Origin] | None = None,
) -> str:
    try:
        with texts_for(texts, origins), limited_time():
            return _parse(source).render(dict(values))
    except UndefinedError as exc:
        raise VariableMissing(name=_undefined_name(exc)) from exc
    except LiquidError as exc:
        raise _said(exc, source) from exc
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as exc:
        # Values of a kind that a filter was not written for; the library lets these through.
        raise TemplateInvalid(what=f"{type(exc).__name__}: {exc}"[:300]) from exc


def _undefined_name(exc: UndefinedError) -> str:
    """The library says "'name' is undefined" of a variable, and "a.name is undefined" of what one lacks."""
    return str(exc.message).removesuffix(" is undefined").strip("'")


@dataclass(frozen=True)
class Reading:
    """One place where a template reads a value from outside. `within` is the included text it stands in, or empty."""

    path: tuple[str, ...]
    within: str
    start: int

    def place_in(self, source: str) -> Place:
        """Where the value's name stands in `source`."""
        return place_of(source, self.start, len(self.path[0]))


def readings_of(source: str, *, texts: Texts = NO_TEXTS) -> list[Reading]:
    """Every place where `source`, or what it includes, reads a value from outside.

    Raises `TemplateInvalid`, also for an included name that `texts` lacks.
    """
    try:
        with texts_for(texts):
            found = parse(source).analyze().globals.values()
    except (LiquidError, RecursionError) as exc:
        raise _said(exc, source) from exc
    return [
        Reading(tuple(str(segment) for segment in variable.segments), variable.span.template_name, variable.span.index)
        for spans in found
        for variable in spans
    ]


def variables_of(source: str, *, texts: Texts = NO_TEXTS) -> set[tuple[str, ...]]:
    """The paths that `source` and what it includes read from outside, such as `("start", "image")`.

    Raises `TemplateInvalid`, also for an included name that `texts` lacks.
    """
    return {reading.path for reading in readings_of(source, texts=texts)}
