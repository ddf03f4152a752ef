"""Prompt: fills a released prompt template with its inputs."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.pipelines.nodes.base import BaseNode, Needs, NodeConfig, NodeContext, NodeResult, Schema, closed, named
from apps.prompts.services import fill_prompt


class PromptConfig(NodeConfig):
    prompt: str


class PromptNode(BaseNode):
    type = "prompt"
    label = _("Prompt")
    help = _("Fills a prompt's variables with its inputs.")
    category = "models"
    icon = "text"
    Config = PromptConfig

    async def run(self, context: NodeContext) -> NodeResult:
        prompts = context.parts["prompts"]
        filled = fill_prompt(prompts[context.config.prompt], context.inputs, prompts=prompts)
        return NodeResult({"system": filled.system, "text": filled.body})

    def produces(self, config: Any, parts: Mapping[str, Any]) -> Schema | None:
        return closed({"system": {"type": "string"}, "text": {"type": "string"}})

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return Needs(prompts=named(config, "prompt"))


NODE = PromptNode()
