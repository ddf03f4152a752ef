"""`{% render 'key' %}` and `{% include 'key' %}`: looked up in the texts of the call, never in the database."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from liquid import Environment, RenderContext
from liquid.ast import Node
from liquid.builtin.expressions import StringLiteral
from liquid.builtin.tags.include_tag import IncludeNode, IncludeTag
from liquid.builtin.tags.render_tag import RenderNode, RenderTag
from liquid.exceptions import ContextDepthError, LiquidSyntaxError, ResourceLimitError, TemplateNotFoundError
from liquid.loader import BaseLoader, TemplateSource
from liquid.stream import TokenStream
from liquid.template import BoundTemplate

from apps.prompts.timing import check_time

MAX_DEPTH = 10  # texts in one chain, below the first
MAX_INCLUDED = 1_000  # texts brought in by one rendering, all chains together: ten by ten by ten is the most


@dataclass(frozen=True)
class Include:
    """One text that brings in another. `render` shows it only what it is given and what the prompt was filled with."""

    tag: Literal["render", "include"]
    key: str


@dataclass(frozen=True)
class Origin:
    """Where an included text stands in what was rendered, from `start` to before `end`, in characters."""

    key: str
    start: int
    end: int


@dataclass
class _Rendering:
    """What one call may include, and how much of it it did."""

    texts: Mapping[str, str]
    origins: list[Origin] | None = None
    output: Any = None
    included: int = 0
    depth: int = 0

    def note(self, key: str, output: Any, start: int) -> None:
        """Remember where a text went. What was caught in a variable stands nowhere, or somewhere else."""
        if self.origins is not None and output is self.output and output.tell() > start:
            self.origins.append(Origin(key, start, output.tell()))


_current: ContextVar[_Rendering | None] = ContextVar("rendering", default=None)


@contextmanager
def texts_for(texts: Mapping[str, str], origins: list[Origin] | None = None) -> Iterator[None]:
    """Let names stand for `texts` until the block ends; calls in other threads and tasks see their own.

    `origins` is filled with where included texts went, those inside others first.
    """
    token = _current.set(_Rendering(texts, origins))
    try:
        yield
    finally:
        _current.reset(token)


class SnapshotLoader(BaseLoader):
    """Finds included texts among those of the running call."""

    def __init__(self, parse: Callable[[str, str], BoundTemplate]) -> None:
        self._parse = parse

    def load(
        self,
        env: Environment,
        name: str,
        *,
        globals: Mapping[str, object] | None = None,
        context: RenderContext | None = None,
        **kwargs: object,
    ) -> BoundTemplate:
        return self._parse(self._text(name), name)

    def get_source(
        self, env: Environment, template_name: str, *, context: RenderContext | None = None, **kwargs: object
    ) -> TemplateSource:
        return TemplateSource(self._text(template_name), template_name, None)

    def _text(self, name: str) -> str:
        rendering = _current.get()
        text = rendering.texts.get(name) if rendering else None
        if text is None:
            raise TemplateNotFoundError(f"there is no prompt “{name}” to include", token=None)
        return text


class IncludingTemplate(BoundTemplate):
    """A template that counts what is included, so that few short texts cannot make endless work."""

    def render_with_context(self, context: RenderContext, buffer: Any, *args: Any, **kwargs: Any) -> None:
        rendering = _current.get()
        if rendering is None or not kwargs.get("partial"):
            if rendering is not None:
                rendering.output = buffer
            super().render_with_context(context, buffer, *args, **kwargs)
            return
        rendering.included += 1
        rendering.depth += 1
        try:
            check_time()
            _check_limits(rendering)
            start = buffer.tell()
            super().render_with_context(context, buffer, *args, **kwargs)
            rendering.note(self.name, buffer, start)
        finally:
            rendering.depth -= 1


def _check_limits(rendering: _Rendering) -> None:
    if rendering.depth > MAX_DEPTH:
        raise ContextDepthError(f"prompts include each other more than {MAX_DEPTH} deep", token=None)
    if rendering.included > MAX_INCLUDED:
        raise ResourceLimitError(f"more than {MAX_INCLUDED} included prompts", token=None)


class _WrittenOut:
    """Refuses names that are computed: a value must never choose which text is included."""

    name: ClassVar[str]

    def parse(self, stream: TokenStream) -> Node:
        node: Node = super().parse(stream)  # type: ignore[misc]  # a mixin of the library's tags
        if not isinstance(node.name, StringLiteral):  # type: ignore[attr-defined]  # both nodes have it
            raise LiquidSyntaxError(f"{self.name}: write the prompt's key in quotes", token=node.token)
        return node


class _Render(_WrittenOut, RenderTag):
    """`render` with a literal name."""


class _Include(_WrittenOut, IncludeTag):
    """`include` with a literal name."""


def add_tags(environment: Environment) -> None:
    """Have `environment` understand both tags."""
    environment.add_tag(_Render)
    environment.add_tag(_Include)


def found_in(template: BoundTemplate) -> tuple[Include, ...]:
    """Every text that `template` itself brings in, as often as it is written there."""
    context = RenderContext(template)
    found: list[Include] = []
    waiting: list[Node] = list(reversed(template.nodes))
    while waiting:
        node = waiting.pop()
        if isinstance(node, RenderNode | IncludeNode):
            tag: Literal["render", "include"] = "render" if isinstance(node, RenderNode) else "include"
            found.append(Include(tag, str(node.name.value)))  # type: ignore[union-attr]  # parsed as a literal
        else:
            waiting.extend(reversed(list(node.children(context, include_partials=False))))
    return tuple(found)
