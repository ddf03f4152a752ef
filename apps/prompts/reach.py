"""Which prompts a prompt brings in, read from the texts without running them."""

from collections.abc import Iterable, Iterator, Mapping

from liquid import RenderContext
from liquid.ast import Node

from apps.core.errors import ApiError
from apps.prompts.models import Prompt
from apps.prompts.templates import parse

_TAGS = ("render", "include")


def with_included(keys: Iterable[str], prompts: Mapping[str, Prompt]) -> frozenset[str]:
    """`keys` and every prompt that they bring in, however deep. Of an included prompt only the body counts."""
    given = frozenset(keys)
    seen: set[str] = set()
    todo = list(given)
    while todo:
        key = todo.pop()
        if key in seen:
            continue
        seen.add(key)
        if prompt := prompts.get(key):
            todo += [*named_in(prompt.body), *(named_in(prompt.system) if key in given else ())]
    return frozenset(seen)


def named_in(source: str) -> frozenset[str]:
    """The keys that `render` and `include` tags name; none of a text that cannot be parsed."""
    if not any(tag in source for tag in _TAGS):
        return frozenset()
    try:
        template = parse(source)
    except ApiError:
        return frozenset()
    return frozenset(_walk(template.nodes, RenderContext(template)))


def _walk(nodes: Iterable[Node], context: RenderContext) -> Iterator[str]:
    for node in nodes:
        if partial := node.partial_scope():
            name = getattr(partial.name, "value", partial.name)  # a literal's text; a variable has none
            if isinstance(name, str):
                yield name
        yield from _walk(node.children(context, include_partials=False), context)
