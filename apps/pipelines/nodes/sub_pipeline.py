"""Pipeline: runs another pipeline of the release as one step.

Costs: what the steps of that pipeline cost.
When it fails: the step fails with the error of the inner step that failed.
After a kill: inner steps that were finished are not run again.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import Field

from apps.pipelines.nodes import inner
from apps.pipelines.nodes.base import BaseNode, NodeConfig, NodeContext, NodeResult, Schema


class SubPipelineConfig(NodeConfig):
    pipeline: str = Field(min_length=1, title=gettext_noop("Pipeline"), json_schema_extra={"x-widget": "pipeline"})


class SubPipelineNode(BaseNode):
    type = "sub_pipeline"
    label = _("Pipeline")
    help = _("Runs another pipeline.")
    category = "flow"
    icon = "nodes"
    Config = SubPipelineConfig
    effect = "effect"
    default_timeout = 3_600.0  # the steps inside have limits of their own
    max_timeout = 86_400.0

    async def run(self, context: NodeContext) -> NodeResult:
        return NodeResult(dict(await context.nested.run(context.config.pipeline, context.inputs)))

    def accepts(self, config: SubPipelineConfig, parts: Mapping[str, Any]) -> Schema:
        return inner.taken(parts, config.pipeline) or super().accepts(config, parts)

    def produces(self, config: SubPipelineConfig, parts: Mapping[str, Any]) -> Schema | None:
        return inner.given(parts, config.pipeline)

    def worst_cost(self, config: Any, parts: Mapping[str, Any]) -> int | None:
        return None  # the graph's own sum goes through the pipelines that its nodes name


NODE = SubPipelineNode()
