"""The model step: rounds of tools, then an answer, then its form."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError
from apps.mcp.errors import ToolUnknown
from apps.pipelines.nodes.base import BaseNode, Needs, NodeContext, NodeResult, Schema, closed, named
from apps.pipelines.nodes.errors import AnswerCut, AnswerUnfit, ToolsExhausted
from apps.pipelines.nodes.llm_chat import answers, cost
from apps.pipelines.nodes.llm_chat.asking import FILE, ask
from apps.pipelines.nodes.llm_chat.config import LlmChatConfig
from apps.pipelines.nodes.llm_chat.toolbox import Toolbox
from apps.providers.degrade import policy_of
from apps.providers.types import Message, message


class LlmChatNode(BaseNode):
    type = "llm_chat"
    label = _("Model answer")
    help = _("Asks a model; the answer streams. It may call tools, and answer in a form.")
    category = "models"
    icon = "chat"
    Config = LlmChatConfig
    effect = "read"
    streams = True
    default_timeout = 180.0
    retries = 0  # the gateway fails over; after the first words a second try would say something else

    async def run(self, context: NodeContext) -> NodeResult:
        return await _Conversation(context).answered()

    def accepts(self, config: LlmChatConfig, parts: Mapping[str, Any]) -> Schema:
        text = {"type": "string"}
        images = {"type": ["array", "string"], "items": text}
        return {
            "type": "object",
            "properties": {"system": text, "text": text, "images": images},
            "required": ["text"],
        }

    def produces(self, config: LlmChatConfig, parts: Mapping[str, Any]) -> Schema | None:
        text, truth = {"type": "string"}, {"type": "boolean"}
        fields: dict[str, Any] = {"text": text, "model": text, "mock": truth, "degraded": truth}
        if config.answer_schema is not None:
            fields["json"] = config.answer_schema
        if config.tools:
            call = closed({"tool": text, "arguments": {}, "result": {}, "error": text})
            fields["tool_calls"] = {"type": "array", "items": call}
        return closed(fields)

    def needs(self, config: Mapping[str, Any]) -> Needs:
        tools = config.get("tools")
        found = [name for name in tools if isinstance(name, str)] if isinstance(tools, list) else []
        return Needs(
            tools=frozenset(found),
            capabilities=named({"capability": "chat", **config}, "capability"),
            models=named(config, "model"),
        )

    def mistakes(self, config: LlmChatConfig) -> Iterator[tuple[str, ApiError]]:
        for number, address in enumerate(config.tools):
            server, _slash, name = address.partition("/")
            if not (server and name) or config.tools.index(address) != number:
                yield f"tools.{number}", ToolUnknown(tool=address)

    def worst_cost(self, config: LlmChatConfig, parts: Mapping[str, Any]) -> int | None:
        return cost.worst(config, parts)


class _Conversation:
    """All that is said in one step. It depends on its inputs and the answers alone, so a resumed step repeats it."""

    def __init__(self, context: NodeContext) -> None:
        self._context = context
        self._config: LlmChatConfig = context.config
        self._images = _images(context.inputs)
        self._toolbox = Toolbox(context, self._images)
        self._messages = self._opening()
        self._asked: list[dict[str, Any]] = []  # every answer of the model

    async def answered(self) -> NodeResult:
        """The step's result, once the answer has the form that was asked for."""
        answer = await self._after_tools()
        fields: dict[str, Any] = {}
        if self._config.answer_schema is not None:
            answer, fields["json"] = await self._formed(answer)
        if self._config.tools:
            fields["tool_calls"] = self._toolbox.made
        told = {name: answer[name] for name in ("text", "model", "mock", "degraded")}
        return NodeResult({**told, **fields}, usage=self._usage(answer))

    def _opening(self) -> list[Message]:
        """Instructions, and what is asked, with the images as parts of it."""
        inputs = self._context.inputs
        system, text = str(inputs.get("system") or ""), str(inputs.get("text", ""))
        opening: list[Message] = [{"role": self._config.system_role, "content": system}] if system else []
        if not self._images:
            return [*opening, message("user", text)]
        if self._config.tools and self._toolbox.takes_files:
            text += "".join(f"\n[image {n}: {file}]" for n, file in enumerate(self._images, 1))
        parts = [{"type": "text", "text": text}, *({"type": FILE, "id": file} for file in self._images)]
        return [*opening, {"role": "user", "content": parts}]

    async def _after_tools(self) -> dict[str, Any]:
        """The first answer that calls no tools. Raises `ToolsExhausted`."""
        rounds = self._config.max_rounds if self._config.tools else 0
        for number in range(rounds + 1):
            answer = await self._ask(last=number == rounds)
            if not answer["tool_calls"]:
                return answer
            if number == rounds:
                break
            self._messages.append({"role": "assistant", "content": answer["text"], "tool_calls": answer["tool_calls"]})
            for call in answer["tool_calls"]:
                self._messages.append(await self._toolbox.answer(call))  # type: ignore[arg-type]
        raise ToolsExhausted(rounds=rounds)

    async def _formed(self, answer: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        """The answer and its JSON, after at most one more try. Raises `AnswerUnfit` or `AnswerCut`."""
        schema = self._config.answer_schema or {}
        for tries_left in range(self._config.repair, -1, -1):
            try:
                return answer, answers.read(answer["text"], schema)
            except AnswerUnfit as exc:
                if not tries_left:
                    raise AnswerCut() if answer["finish"] == "length" else exc from exc
                await self._context.log("warning", exc.text())
                self._messages += answers.complaint(answer["text"], exc)
                answer = await self._ask(last=True)
        raise AssertionError("unreachable")

    async def _ask(self, *, last: bool) -> dict[str, Any]:
        """One round. In the `last` one no tools may be called any more."""
        is_formed = self._config.answer_schema is not None
        answer = await ask(self._context, self._messages, self._options(last=last), aloud=not is_formed)
        self._asked.append(answer)
        return answer

    def _options(self, *, last: bool) -> dict[str, Any]:
        config = self._config
        options: dict[str, Any] = {"temperature": config.temperature, "max_tokens": config.max_tokens}
        if config.answer_schema is not None:
            options["response_format"] = answers.response_format(config.answer_schema)
        if config.tools:
            options |= {"tools": self._toolbox.described(), "tool_choice": "none" if last else "auto"}
        return {name: value for name, value in options.items() if value is not None}

    def _usage(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """What all rounds together used, and who gave the answer."""
        used = [one["usage"] for one in self._asked]
        costs = [one["cost_micro"] for one in used]
        usage: dict[str, Any] = {
            "model_used": answer["model"],
            "endpoint": answer["endpoint"],
            "mock": answer["mock"],
            "attempts": [attempt for one in self._asked for attempt in one["attempts"]],
            **{f"{kind}_tokens": sum(one[f"{kind}_tokens"] or 0 for one in used) for kind in _TOKENS},
            "estimated": any(one["estimated"] for one in used),
            "cost_micro": None if None in costs else sum(costs),
            "rounds": len(self._asked),
        }
        policy = policy_of(self._context.parts.get("degrade", {}))
        if policy and any(one["degraded"] for one in self._asked):
            usage |= {"degraded": True, "notice": dict(policy.notice)}
        return usage


_TOKENS = ("input", "output", "cached")


def _images(inputs: Mapping[str, Any]) -> list[str]:
    """The ids of the images that the step was given: one, several, or none."""
    given = inputs.get("images")
    return [str(file) for file in given if file] if isinstance(given, list | tuple) else [str(given)] if given else []
