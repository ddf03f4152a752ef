"""The two languages that look at values: CEL decides, JMESPath picks and builds. Neither can run code.

Both are stopped before they take long. CEL runs in one go and holds the interpreter meanwhile, so what it would cost is
estimated before it starts; JMESPath is watched while it walks. Liquid, which makes texts, has limits of its own.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from time import thread_time
from typing import Any, Final

import cel
from django.utils.translation import gettext as _
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions, signature
from jmespath.parser import Parser
from jmespath.visitor import Options, TreeInterpreter

from apps.pipelines.errors import ConditionInvalid
from apps.pipelines.nodes.errors import ExpressionInvalid
from apps.pipelines.nodes.values import MOST, plain, weight

MAX_EXPRESSION: Final = 2_000  # characters
MAX_PASSES: Final = 200_000  # through the bodies of CEL's macros; some 0.6 µs each
MAX_MADE: Final = 20_000_000  # characters and values that CEL may copy
MAX_SECONDS: Final = 1.0  # of processor time for JMESPath
_MACRO: Final = re.compile(r"\.\s*(all|exists|exists_one|map|filter)\s*\(")
_TEXT: Final = re.compile(r"""r?(\"\"\".*?\"\"\"|'''.*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""", re.DOTALL)


# --- CEL ------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def compile_expression(expression: str) -> Any:
    """The compiled CEL expression. Raises `ConditionInvalid`."""
    if len(expression) > MAX_EXPRESSION:
        raise ConditionInvalid(what=_too_long())
    try:
        return cel.compile(expression)
    except ValueError as exc:
        raise ConditionInvalid(what=str(exc)[:200]) from exc


def decide(expression: str, values: Mapping[str, Any]) -> bool:
    """Whether `expression` holds. Raises `ConditionInvalid`, also when it is neither true nor false."""
    program = compile_expression(expression)
    given = plain(values)
    _check_cost(expression, given)
    try:
        result = program.execute(given)
    except (ValueError, TypeError, RuntimeError, ArithmeticError, LookupError) as exc:
        raise ConditionInvalid(what=str(exc)[:200]) from exc
    if not isinstance(result, bool):
        raise ConditionInvalid(what=_("the result is %(kind)s, not true or false") % {"kind": type(result).__name__})
    return result


def _check_cost(expression: str, values: Mapping[str, Any]) -> None:
    """Raises `ConditionInvalid` when the loops or the sums of `expression` could grow beyond what is sensible."""
    size = weight(values)
    depth, macros, sums = _shape(expression)
    longest = max(1, _longest(values)) if depth else 1
    if size > MOST or longest**depth > MAX_PASSES or size * (1 + sums) ** (1 + macros) > MAX_MADE:
        raise ConditionInvalid(what=_("the values are too large for it"))


@lru_cache(maxsize=512)
def _shape(expression: str) -> tuple[int, int, int]:
    """How deep loops are nested, how many there are, and how often something is joined by +."""
    bare = _TEXT.sub("''", expression)
    starts = {match.end() - 1 for match in _MACRO.finditer(bare)}
    depth = deepest = 0
    open_brackets: list[bool] = []
    for place, sign in enumerate(bare):
        if sign == "(":
            open_brackets.append(place in starts)
            depth += place in starts
        elif sign == ")" and open_brackets:
            depth -= open_brackets.pop()
        searching = depth and bare.startswith(" in ", place)  # one more loop, through what is searched
        deepest = max(deepest, depth + bool(searching))
    return deepest, len(starts), bare.count("+")


def _longest(value: Any) -> int:
    """The length of the longest list or object in `value`."""
    longest, level = 0, [value]
    while level:
        inner = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        longest = max([longest, *map(len, inner)])
        level = [value for one in inner for value in one]
    return longest


def _too_long() -> str:
    return _("longer than %(most)s characters") % {"most": MAX_EXPRESSION}


# --- JMESPath -------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def compile_path(expression: str) -> Any:
    """The parsed JMESPath expression. Raises `ExpressionInvalid`."""
    if len(expression) > MAX_EXPRESSION:
        raise ExpressionInvalid(what=_too_long())
    try:
        return Parser().parse(expression).parsed
    except (JMESPathError, RecursionError) as exc:
        raise ExpressionInvalid(what=_words(exc)) from exc


def pick(expression: str, value: Any) -> Any:
    """What `expression` finds in `value`, which is plain JSON. Raises `ExpressionInvalid`.

    Ends by itself after a second of work; for a thread, not for the loop.
    """
    parsed = compile_path(expression)
    try:
        found = _Watched().visit(parsed, value)
    except (JMESPathError, RecursionError, ValueError, TypeError, ArithmeticError, LookupError) as exc:
        raise ExpressionInvalid(what=_words(exc)) from exc
    return plain(found)


def _words(exc: BaseException) -> str:
    return str(exc).splitlines()[0][:200] if str(exc) else type(exc).__name__


class _Functions(Functions):
    @signature({"types": ["string"]}, {"types": ["array-string"]})  # type: ignore[untyped-decorator]  # the library has no types
    def _func_join(self, separator: str, texts: list[str]) -> str:
        if len(separator) * len(texts) + sum(map(len, texts)) > MOST:
            raise ExpressionInvalid(what=_("join: the text would become too long"))
        return separator.join(texts)


class _Watched(TreeInterpreter):
    """Stops when time is over, and when a value is made that is larger than one step may handle.

    Each value is weighed once: small expressions can make values that share their parts and are, written out, endless.
    """

    def __init__(self) -> None:
        super().__init__(Options(custom_functions=_Functions()))
        self._until = thread_time() + MAX_SECONDS
        self._weighed: dict[int, tuple[Any, int]] = {}  # keeps the value, so that its identity stays its own

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        if thread_time() > self._until:
            raise ExpressionInvalid(what=_("it takes too long"))
        result = super().visit(node, *args, **kwargs)
        if self._weight(result) > MOST:
            raise ExpressionInvalid(what=_("it makes more than a step can hold"))
        return result

    def _weight(self, value: Any) -> int:
        if isinstance(value, str):
            return 1 + len(value)
        if not isinstance(value, list | dict):
            return 1
        known = self._weighed.get(id(value))
        if known is None:
            inner = value if isinstance(value, list) else [*value.keys(), *value.values()]
            known = self._weighed[id(value)] = (value, 1 + sum(map(self._weight, inner)))
        return known[1]


def names_in(expression: str) -> frozenset[str]:
    """The names that a JMESPath expression begins with, as far as it names fields of what it is given.

    Raises `ExpressionInvalid`.
    """
    return frozenset(_roots(compile_path(expression)))


def _roots(node: Mapping[str, Any]) -> set[str]:
    kind, children = node["type"], node.get("children", [])
    if kind == "field":
        return {node["value"]}
    if kind in ("subexpression", "pipe", "index_expression", "projection", "filter_projection", "value_projection"):
        return _roots(children[0]) if children else set()
    return {name for child in children if isinstance(child, dict) for name in _roots(child)}


__all__ = ["compile_expression", "compile_path", "decide", "names_in", "pick"]
