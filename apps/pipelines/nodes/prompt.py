"""Prompt: fills a released prompt template with its inputs.

Costs: nothing.
When it fails: a variable without a value or of another kind than was declared, more than a second of work: the step
fails at once.
After a kill: filled again, with the same result.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import Field

from apps.pipelines.nodes.base import BaseNode, Needs, NodeConfig, NodeContext, NodeResult, Schema, closed, named
from apps.pipelines.nodes.values import LONG, plain, weight, worked
from apps.prompts.services import fill_prompt


class PromptConfig(NodeConfig):
    prompt: str = Field(title=gettext_noop("Prompt"), json_schema_extra={"x-widget": "prompt"})


class PromptNode(BaseNode):
    type = "prompt"
    label = _("Prompt")
    help = _("Fills a prompt's variables with its inputs.")
    category = "models"
    icon = "text"
    Config = PromptConfig

    async def run(self, context: NodeContext) -> NodeResult:
        prompts, inputs = context.parts["prompts"], plain(context.inputs)
        released = prompts[context.config.prompt]
        filled = await worked(
            lambda: fill_prompt(released, inputs, prompts=prompts), apart=weight([released, inputs]) > LONG
        )
        return NodeResult({"system": filled.system, "text": filled.body})

    def produces(self, config: Any, parts: Mapping[str, Any]) -> Schema | None:
        return closed({"system": {"type": "string"}, "text": {"type": "string"}})

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return Needs(prompts=named(config, "prompt"))


NODE = PromptNode()
