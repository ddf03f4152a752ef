"""Start: hands the task's input to the pipeline."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from pydantic import Field

from apps.pipelines.nodes.base import BaseNode, NodeConfig, NodeContext, NodeResult, Schema


class StartConfig(NodeConfig):
    """A pipeline that others run says here what it takes; a feature's own pipeline takes what the form gives."""

    input_schema: dict[str, Any] | None = Field(default=None, alias="schema")


class StartNode(BaseNode):
    type = "start"
    label = _("Start")
    help = _("Hands the form's values on.")
    category = "flow"
    icon = "play"
    Config = StartConfig
    single = True

    async def run(self, context: NodeContext) -> NodeResult:
        return NodeResult(dict(context.inputs))

    def produces(self, config: StartConfig, parts: Mapping[str, Any]) -> Schema | None:
        form = parts.get("form", config.input_schema)
        return form if isinstance(form, Mapping) else None


NODE = StartNode()
