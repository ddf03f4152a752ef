"""Start: hands the task's input to the pipeline.

A pipeline that others run says in `schema` what it takes, and its input is checked against it. The input of a
feature's own pipeline was checked against the feature's form.

Costs: nothing.
When it fails: the pipeline was given something that `schema` does not allow: the step fails at once.
After a kill: the same input again.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import Field

from apps.core.form_input import field_errors, with_defaults
from apps.pipelines.nodes.base import BaseNode, NodeConfig, NodeContext, NodeResult, Schema
from apps.pipelines.nodes.errors import InputUnfit
from apps.pipelines.nodes.values import plain


class StartConfig(NodeConfig):
    """A pipeline that others run says here what it takes; a feature's own pipeline takes what the form gives."""

    input_schema: dict[str, Any] | None = Field(
        default=None,
        alias="schema",
        title=gettext_noop("What the pipeline takes"),
        description=gettext_noop("A JSON Schema, for a pipeline that others run. A feature's form wins."),
        json_schema_extra={"x-widget": "schema"},
    )


class StartNode(BaseNode):
    type = "start"
    label = _("Start")
    help = _("Hands the form's values on.")
    category = "flow"
    icon = "play"
    Config = StartConfig
    single = True

    async def run(self, context: NodeContext) -> NodeResult:
        schema = context.config.input_schema
        is_inner = "/" in context.path
        if schema is None or not (is_inner or "form" not in context.parts):
            return NodeResult(dict(context.inputs))
        given = with_defaults(schema, plain(context.inputs))
        if errors := field_errors(schema, given):
            what = f"{errors[0]['pointer'] or '/'}: {errors[0]['message']}"
            raise InputUnfit(what=what, details={"errors": errors[:20]})
        return NodeResult(given)

    def produces(self, config: StartConfig, parts: Mapping[str, Any]) -> Schema | None:
        form = parts.get("form", config.input_schema)
        return form if isinstance(form, Mapping) else None


NODE = StartNode()
