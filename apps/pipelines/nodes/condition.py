"""Condition: a CEL expression over its inputs decides which way to go on. CEL runs no code and always ends."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import cel
from django.utils.translation import gettext_lazy as _

from apps.pipelines.errors import ConditionInvalid
from apps.pipelines.nodes.base import NodeConfig, NodeContext, NodeResult

MAX_EXPRESSION = 2_000


class ConditionConfig(NodeConfig):
    expression: str


class ConditionNode:
    type = "condition"
    label = _("Condition")
    Config = ConditionConfig
    default_timeout = 5.0
    retries = 0

    async def run(self, context: NodeContext) -> NodeResult:
        decided = decide(context.config.expression, context.inputs)
        return NodeResult({"result": decided}, branch="true" if decided else "false")

    def outputs(self, config: Any, parts: Mapping[str, Any]) -> frozenset[str] | None:
        return frozenset({"result"})


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
