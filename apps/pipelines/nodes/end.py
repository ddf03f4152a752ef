"""End: its inputs are the task's output, or the output of the step that runs this pipeline.

Costs: nothing.
When it fails: it does not.
After a kill: the same output again.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.pipelines.nodes.base import BaseNode, NodeContext, NodeResult, Schema, closed


class EndNode(BaseNode):
    type = "end"
    label = _("End")
    help = _("Its inputs are the result.")
    category = "flow"
    icon = "flag"
    single = True

    async def run(self, context: NodeContext) -> NodeResult:
        return NodeResult(dict(context.inputs))

    def produces(self, config: Any, parts: Mapping[str, Any]) -> Schema | None:
        return closed({})

    def ways(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return ()


NODE = EndNode()
