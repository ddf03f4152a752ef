"""End: its inputs are the task's output."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.pipelines.nodes.base import NodeConfig, NodeContext, NodeResult


class EndNode:
    type = "end"
    label = _("End")
    Config = NodeConfig
    default_timeout = 5.0
    retries = 0

    async def run(self, context: NodeContext) -> NodeResult:
        return NodeResult(dict(context.inputs))

    def outputs(self, config: Any, parts: Mapping[str, Any]) -> frozenset[str] | None:
        return frozenset()


NODE = EndNode()
