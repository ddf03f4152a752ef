"""Transform: makes new values out of its inputs, with Liquid in the leaves of a JSON template or with JMESPath.

An object that it makes is its output, field by field; any other value is its output's `value`. In Liquid a leaf that
is nothing but `{{ name }}` keeps the type of the value.

Costs: nothing.
When it fails: a name without a value, more than a second of work, more than a million characters and values, or a
result that does not fit `schema`: the step fails at once.
After a kill: made again, with the same result.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import Field

from apps.core.errors import ApiError
from apps.core.form_input import field_errors
from apps.pipelines.expressions import compile_path, pick
from apps.pipelines.nodes.base import BaseNode, NodeConfig, NodeContext, NodeResult, Schema
from apps.pipelines.nodes.errors import ExpressionInvalid, ResultUnfit, TemplateNeeded
from apps.pipelines.nodes.values import LONG, check_weight, plain, weight, worked
from apps.pipelines.wiring import references, resolve


class TransformConfig(NodeConfig):
    language: Literal["liquid", "jmespath"] = Field(default="liquid", title=gettext_noop("Language"))
    template: Any = Field(
        default=None,
        title=gettext_noop("Template"),
        description=gettext_noop("For Liquid: any JSON; the texts in it may name inputs, as {{ name }}."),
        json_schema_extra={"x-widget": "liquid"},
    )
    expression: str = Field(
        default="",
        title=gettext_noop("Expression"),
        description=gettext_noop("For JMESPath: an expression over the object of all inputs."),
    )
    promised: dict[str, Any] | None = Field(
        default=None,
        alias="schema",
        title=gettext_noop("Schema of the result"),
        description=gettext_noop("A JSON Schema that the result is checked against, and that later steps rely on."),
        json_schema_extra={"x-widget": "schema"},
    )


class TransformNode(BaseNode):
    type = "transform"
    label = _("Transform")
    help = _("Makes new values out of its inputs.")
    category = "data"
    icon = "braces"
    Config = TransformConfig
    says = (TemplateNeeded, ExpressionInvalid)

    async def run(self, context: NodeContext) -> NodeResult:
        config: TransformConfig = context.config
        inputs = plain(context.inputs)
        size = check_weight(inputs) + weight(config.template)
        made = await worked(
            lambda: _made(config, inputs, context.node_id), apart=config.language == "jmespath" or size > LONG
        )
        return NodeResult(made if isinstance(made, dict) else {"value": made})

    def accepts(self, config: TransformConfig, parts: Mapping[str, Any]) -> Schema:
        """Liquid insists on every name that it reads; JMESPath takes what is not there for null."""
        return {"type": "object", "properties": {}, "required": sorted(_names(config))}

    def produces(self, config: TransformConfig, parts: Mapping[str, Any]) -> Schema | None:
        if config.promised is not None:
            promised = config.promised
            return promised if promised.get("type") == "object" else _value(promised)
        if config.language == "liquid" and isinstance(config.template, dict):
            return {"type": "object", "properties": {name: {} for name in config.template}}
        return None if config.language == "jmespath" else _value({})

    def mistakes(self, config: TransformConfig) -> Iterator[tuple[str, ApiError]]:
        liquid = config.language == "liquid"
        if (config.template is None) == liquid or bool(config.expression) == liquid:
            yield "template" if liquid else "expression", TemplateNeeded()
        try:
            references(config.template)
        except ApiError as exc:
            yield "template", exc
        try:
            _compiled = compile_path(config.expression) if config.expression else None
        except ApiError as exc:
            yield "expression", exc


def _value(schema: Mapping[str, Any]) -> Schema:
    return {"type": "object", "properties": {"value": dict(schema)}, "required": ["value"]}


def _names(config: TransformConfig) -> set[str]:
    try:
        return {path[0] for path in references(config.template)} if config.language == "liquid" else set()
    except ApiError:
        return set()  # said as a mistake


def _made(config: TransformConfig, inputs: dict[str, Any], node_id: str) -> Any:
    made = pick(config.expression, inputs) if config.language == "jmespath" else resolve(config.template, inputs)
    check_weight(made)
    if config.promised is not None and (errors := field_errors(config.promised, made)):
        what = f"{errors[0]['pointer'] or '/'}: {errors[0]['message']}"
        raise ResultUnfit(node=node_id, what=what, details={"errors": errors[:20]})
    return made


NODE = TransformNode()
