"""Prompt: fills a released prompt template with its inputs."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.pipelines.nodes.base import NodeConfig, NodeContext, NodeResult
from apps.prompts.services import fill_prompt


class PromptConfig(NodeConfig):
    prompt: str


class PromptNode:
    type = "prompt"
    label = _("Prompt")
    Config = PromptConfig
    default_timeout = 5.0
    retries = 0

    async def run(self, context: NodeContext) -> NodeResult:
        prompts = context.parts["prompts"]
        filled = fill_prompt(prompts[context.config.prompt], context.inputs, prompts=prompts)
        return NodeResult({"system": filled.system, "text": filled.body})

    def outputs(self, config: Any, parts: Mapping[str, Any]) -> frozenset[str] | None:
        return frozenset({"system", "text"})


NODE = PromptNode()
