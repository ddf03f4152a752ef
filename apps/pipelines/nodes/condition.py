"""Condition: a CEL expression over its inputs decides which way to go on. CEL runs no code and always ends.

Costs: nothing.
When it fails: the expression cannot be decided for these values, or they are too large for it: the step fails at
once.
After a kill: decided again, with the same result.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import Field

from apps.core.errors import ApiError
from apps.pipelines.errors import ConditionInvalid
from apps.pipelines.expressions import compile_expression, decide
from apps.pipelines.nodes.base import BaseNode, NodeConfig, NodeContext, NodeResult, Schema, closed


class ConditionConfig(NodeConfig):
    expression: str = Field(
        title=gettext_noop("Expression"),
        description=gettext_noop("A CEL expression over the inputs, such as: price > 100 && tone == 'formal'"),
        json_schema_extra={"x-widget": "cel"},
    )


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


NODE = ConditionNode()
