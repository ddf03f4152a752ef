"""The settings of a model step."""

from typing import Any, Literal

from django.utils.translation import gettext_noop
from pydantic import Field

from apps.pipelines.nodes.base import NodeConfig

Capability = Literal["chat", "vision", "tools", "json"]


class LlmChatConfig(NodeConfig):
    """`tools` are addresses, `server/tool`, of tools that the release has."""

    capability: Capability = Field(
        default="chat",
        title=gettext_noop("What the model has to be able to do"),
        json_schema_extra={"x-widget": "capability"},
    )
    model: str = Field(
        default="",
        max_length=120,
        title=gettext_noop("Model"),
        description=gettext_noop("Empty: whichever offers the capability."),
        json_schema_extra={"x-widget": "model"},
    )
    temperature: float | None = Field(default=None, ge=0, le=2, title=gettext_noop("Temperature"))
    max_tokens: int | None = Field(default=None, ge=1, le=200_000, title=gettext_noop("Most tokens of an answer"))
    system_role: Literal["system", "developer"] = Field(
        default="system",
        title=gettext_noop("Role of the instructions"),
        description=gettext_noop("Some newer models call it developer."),
    )
    answer_schema: dict[str, Any] | None = Field(
        default=None,
        alias="schema",
        title=gettext_noop("Form of the answer"),
        description=gettext_noop("A JSON Schema: the answer is then JSON that fits it, and stands in “json”."),
        json_schema_extra={"x-widget": "schema"},
    )
    repair: int = Field(
        default=1,
        ge=0,
        le=1,
        title=gettext_noop("Ask once more"),
        description=gettext_noop("How often the model is shown what does not fit, and asked again."),
    )
    tools: list[str] = Field(
        default_factory=list,
        max_length=20,
        title=gettext_noop("Tools"),
        description=gettext_noop("What the model may call while it answers."),
        json_schema_extra={"x-widget": "tools"},
    )
    max_rounds: int = Field(
        default=5,
        ge=1,
        le=10,
        title=gettext_noop("Most rounds of tools"),
        description=gettext_noop("After them the model has to answer."),
    )
    max_calls: int = Field(default=10, ge=1, le=20, title=gettext_noop("Most tool calls"))
    tool_timeout: float = Field(default=60, ge=1, le=600, title=gettext_noop("Seconds for one tool call"))
