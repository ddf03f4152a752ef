"""Chat: asks a model by capability; the answer streams to whoever watches."""

from collections.abc import Mapping
from typing import Any, Literal

from django.utils.translation import gettext_lazy as _
from pydantic import Field

from apps.pipelines.nodes.base import NodeConfig, NodeContext, NodeResult
from apps.providers.degrade import policy_of
from apps.providers.gateway import chat
from apps.providers.types import ChatRequest, Message


class LlmChatConfig(NodeConfig):
    capability: Literal["chat"] = "chat"
    model: str = ""
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1, le=200_000)


class LlmChatNode:
    type = "llm_chat"
    label = _("Model answer")
    Config = LlmChatConfig
    default_timeout = 180.0
    retries = 0  # the gateway fails over; after the first words a second try would say something else

    async def run(self, context: NodeContext) -> NodeResult:
        config: LlmChatConfig = context.config
        system = str(context.inputs.get("system", ""))
        messages = [Message("system", system)] if system else []
        request = ChatRequest(
            messages=(*messages, Message("user", str(context.inputs["text"]))),
            temperature=config.temperature,
            max_tokens=config.max_tokens,
            key=context.key,
        )
        policy = policy_of(context.parts.get("degrade", {}))
        answer = await chat(
            request, capability=config.capability, model=config.model, degrade=policy, on_delta=context.on_delta
        )
        usage: dict[str, Any] = {
            "model_used": answer.model_used,
            "endpoint": answer.endpoint,
            "mock": answer.mock,
            "attempts": list(answer.attempts),
            "input_tokens": answer.usage.input_tokens,
            "output_tokens": answer.usage.output_tokens,
        }
        if policy and answer.degraded:
            usage |= {"degraded": True, "notice": dict(policy.notice)}
        told = {"text": answer.text, "model": answer.model_used, "mock": answer.mock, "degraded": answer.degraded}
        return NodeResult(told, usage=usage)

    def outputs(self, config: Any, parts: Mapping[str, Any]) -> frozenset[str] | None:
        return frozenset({"text", "model", "mock", "degraded"})


NODE = LlmChatNode()
