"""The time that one rendering may take.

Counted in processor time of its thread, so that a busy machine refuses no more than an idle one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import thread_time
from typing import Any, Final

from liquid import RenderContext
from liquid.ast import BlockNode, Node
from liquid.exceptions import ResourceLimitError
from liquid.template import BoundTemplate
from liquid.token import Token

# Sensible prompts take a few thousandths of it. Not tighter: when the collector of garbage runs meanwhile, its work is
# counted too, and in a large process that is several tenths of a second.
MAX_SECONDS: Final = 1.0

_deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))


@contextmanager
def limited_time() -> Iterator[None]:
    """Let `check_time` refuse once this thread has worked `MAX_SECONDS` in the outermost such block."""
    token = _deadline.set(min(_deadline.get(), thread_time() + MAX_SECONDS))
    try:
        yield
    finally:
        _deadline.reset(token)


def check_time() -> None:
    """Raises Liquid's `ResourceLimitError` when the time is over."""
    if thread_time() > _deadline.get():
        raise ResourceLimitError("the text takes too long to make: fewer loops, shorter lists", token=None)


class _Mark(Node):
    """Stands first in every block and looks at the clock; it puts nothing out."""

    __slots__ = ()

    def __str__(self) -> str:
        return ""

    def render_to_output(self, context: RenderContext, buffer: Any) -> int:
        check_time()
        return 0


def mark_blocks(template: BoundTemplate, token: Token) -> None:
    """Have each pass through a loop, and each branch, look at the clock; between two looks there is little work."""
    mark, context = _Mark(token), RenderContext(template)
    waiting = list(template.nodes)
    while waiting:
        node = waiting.pop()
        waiting.extend(node.children(context, include_partials=False))
        if isinstance(node, BlockNode):
            node.nodes.insert(0, mark)
