"""Start: hands the task's input to the pipeline."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.pipelines.nodes.base import NodeConfig, NodeContext, NodeResult


class StartNode:
    type = "start"
    label = _("Start")
    Config = NodeConfig
    default_timeout = 5.0
    retries = 0

    async def run(self, context: NodeContext) -> NodeResult:
        return NodeResult(dict(context.inputs))

    def outputs(self, config: Any, parts: Mapping[str, Any]) -> frozenset[str] | None:
        form = parts.get("form")
        fields = form.get("properties") if isinstance(form, Mapping) else None
        return frozenset(fields) if isinstance(fields, Mapping) else None


NODE = StartNode()
