"""Condition: a CEL expression over its inputs decides which way to go on. CEL runs no code and always ends."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import cel
from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError
from apps.pipelines.errors import ConditionInvalid
from apps.pipelines.nodes.base import BaseNode, NodeConfig, NodeContext, NodeResult, Schema, closed

MAX_EXPRESSION = 2_000


class ConditionConfig(NodeConfig):
    expression: str


class ConditionNode(BaseNode):
    type = "condition"
    label = _("Condition")
    help = _("Goes one way or the other, by an expression over its inputs.")
    category = "logic"
    icon = "split"
    Config = ConditionConfig

    async def run(self, context: NodeContext) -> NodeResult:
        decided = decide(context.config.expression, context.inputs)
        return NodeResult({"result": decided}, branch="true" if decided else "false")

    def produces(self, config: Any, parts: Mapping[str, Any]) -> Schema | None:
        return closed({"result": {"type": "boolean"}})

    def ways(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return ("true", "false")

    def mistakes(self, config: ConditionConfig) -> Iterator[tuple[str, ApiError]]:
        try:
            compile_expression(config.expression)
        except ConditionInvalid as exc:
            yield "expression", exc


@lru_cache(maxsize=512)
def compile_expression(expression: str) -> Any:
    """The compiled expression. Raises `ConditionInvalid`."""
    if len(expression) > MAX_EXPRESSION:
        raise ConditionInvalid(what=f"longer than {MAX_EXPRESSION} characters")
    try:
        return cel.compile(expression)
    except ValueError as exc:
        raise ConditionInvalid(what=str(exc)[:200]) from exc


def decide(expression: str, values: Mapping[str, Any]) -> bool:
    """Whether `expression` holds. Raises `ConditionInvalid`, also when it is neither true nor false."""
    program = compile_expression(expression)
    try:
        result = program.execute(dict(values))
    except (ValueError, TypeError, RuntimeError, ArithmeticError, LookupError) as exc:
        raise ConditionInvalid(what=str(exc)[:200]) from exc
    if not isinstance(result, bool):
        raise ConditionInvalid(what=f"the result is {type(result).__name__}, not true or false")
    return result


NODE = ConditionNode()
