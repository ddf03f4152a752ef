"""Chat: asks a model by capability; the answer streams to whoever watches."""

from collections.abc import Mapping
from typing import Any, Literal

from django.utils.translation import gettext_lazy as _
from pydantic import Field

from apps.pipelines.nodes.base import BaseNode, Needs, NodeConfig, NodeContext, NodeResult, Schema, closed, named
from apps.providers.degrade import policy_of
from apps.providers.gateway import Ask, chat
from apps.providers.types import ChatRequest, message


class LlmChatConfig(NodeConfig):
    capability: Literal["chat"] = "chat"
    model: str = ""
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1, le=200_000)


class LlmChatNode(BaseNode):
    type = "llm_chat"
    label = _("Model answer")
    help = _("Asks a model; the answer streams.")
    category = "models"
    icon = "chat"
    Config = LlmChatConfig
    effect = "read"
    streams = True
    default_timeout = 180.0
    retries = 0  # the gateway fails over; after the first words a second try would say something else

    async def run(self, context: NodeContext) -> NodeResult:
        config: LlmChatConfig = context.config
        system = str(context.inputs.get("system", ""))
        messages = [message("system", system)] if system else []
        settings = {"temperature": config.temperature, "max_tokens": config.max_tokens}
        request = ChatRequest(
            messages=[*messages, message("user", str(context.inputs["text"]))],
            options={name: value for name, value in settings.items() if value is not None},
            key=context.key,
        )
        policy = policy_of(context.parts.get("degrade", {}))
        ask = Ask(config.capability, config.model, degrade=policy, caller=context.caller)
        answer = await chat(request, ask, on_delta=context.on_delta)
        usage: dict[str, Any] = {
            "model_used": answer.model_used,
            "endpoint": answer.endpoint,
            "mock": answer.mock,
            "attempts": list(answer.attempts),
            "input_tokens": answer.usage.input_tokens,
            "output_tokens": answer.usage.output_tokens,
            "cached_tokens": answer.usage.cached_tokens,
            "estimated": answer.estimated,
            "cost_micro": answer.cost_micro,
        }
        if policy and answer.degraded:
            usage |= {"degraded": True, "notice": dict(policy.notice)}
        told = {"text": answer.text, "model": answer.model_used, "mock": answer.mock, "degraded": answer.degraded}
        return NodeResult(told, usage=usage)

    def accepts(self, config: Any, parts: Mapping[str, Any]) -> Schema:
        texts = {"system": {"type": "string"}, "text": {"type": "string"}}
        return {"type": "object", "properties": texts, "required": ["text"]}

    def produces(self, config: Any, parts: Mapping[str, Any]) -> Schema | None:
        text, truth = {"type": "string"}, {"type": "boolean"}
        return closed({"text": text, "model": text, "mock": truth, "degraded": truth})

    def needs(self, config: Mapping[str, Any]) -> Needs:
        capabilities = named({"capability": "chat", **config}, "capability")
        return Needs(capabilities=capabilities, models=named(config, "model"))

    def worst_cost(self, config: Any, parts: Mapping[str, Any]) -> int | None:
        return None


NODE = LlmChatNode()
