"""Ask a person: the run waits until somebody has filled in a form and chosen how it goes on. Meanwhile nothing runs.

The ways out are the options. When nobody answers before the deadline, the step fails, or goes on: with the option
`default`, or the way `timeout` where no default is named.

Costs: nothing.
When it fails: nobody answered in time and `on_timeout` is `fail`.
After a kill: the question stays open, with its deadline; an answer that was given counts.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, Literal

from django.utils import timezone
from django.utils.dateparse import parse_duration
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import Field

from apps.core.errors import ApiError
from apps.pipelines.nodes.base import Answer, Asked, BaseNode, NodeConfig, NodeContext, NodeResult, Schema
from apps.pipelines.nodes.errors import DeadlineInvalid, DefaultInvalid, NobodyAnswered, OptionsInvalid
from apps.pipelines.nodes.values import plain

TIMEOUT: Final = "timeout"
LONGEST: Final = timedelta(days=30)
_WAY: Final = re.compile(r"[a-z][a-z0-9_]{0,15}")
_TAKEN: Final = frozenset({TIMEOUT, "error", "default"})


class HumanInputConfig(NodeConfig):
    title: str | dict[str, str] = Field(
        default="", title=gettext_noop("Question"), description=gettext_noop("A text, or texts by language.")
    )
    form: dict[str, Any] = Field(
        default_factory=dict,
        title=gettext_noop("Form"),
        description=gettext_noop("A JSON Schema of what is to be filled in; empty for a mere choice."),
        json_schema_extra={"x-widget": "schema"},
    )
    ui: dict[str, Any] = Field(
        default_factory=dict, title=gettext_noop("How the form looks"), json_schema_extra={"x-widget": "json"}
    )
    options: list[str] = Field(
        default=["approve", "reject"],
        min_length=1,
        max_length=10,
        title=gettext_noop("Options"),
        description=gettext_noop("The ways out, one of which is chosen."),
    )
    deadline: str = Field(
        default="",
        title=gettext_noop("Deadline"),
        description=gettext_noop("How long the run waits, as an ISO 8601 duration: PT30M, PT24H, P7D."),
        json_schema_extra={"x-widget": "duration", "x-problem": "E_HUMAN_DEADLINE"},
    )
    on_timeout: Literal["option", "fail"] = Field(
        default="fail",
        title=gettext_noop("When nobody answers"),
        description=gettext_noop("Fail, or go on with an option."),
    )
    default: str = Field(
        default="",
        title=gettext_noop("Option when nobody answers"),
        description=gettext_noop("Empty: the way “timeout”."),
    )
    who: Literal["owner", "staff"] = Field(
        default="owner",
        title=gettext_noop("Who is asked"),
        description=gettext_noop("Whoever started the run, or the people who run this site."),
    )


class HumanInputNode(BaseNode):
    type = "human_input"
    label = _("Ask a person")
    help = _("Waits until somebody has answered.")
    category = "people"
    icon = "person"
    Config = HumanInputConfig
    says = (OptionsInvalid,)

    async def run(self, context: NodeContext) -> NodeResult:
        config: HumanInputConfig = context.config
        if isinstance(context.resumed, Answer):
            return _answered(config, context.resumed, context.node_id)
        raise Asked(
            title=config.title,
            form=_form(config, context.inputs),
            options=tuple(config.options),
            deadline_at=timezone.now() + (_duration(config.deadline) or LONGEST),
            who=config.who,
            on_timeout=config.on_timeout,
            default=config.default,
            ui=config.ui,
        )

    def produces(self, config: HumanInputConfig, parts: Mapping[str, Any]) -> Schema | None:
        text = {"type": "string"}
        told = {"option": text, "by": text, "timed_out": {"type": "boolean"}}
        fields = config.form.get("properties")
        return {
            "type": "object",
            "properties": {**(fields if isinstance(fields, Mapping) else {}), **told},
            "required": list(told),
        }

    def ways(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        options = config.get("options", ["approve", "reject"])
        found = tuple(name for name in options if isinstance(name, str)) if isinstance(options, list) else ()
        alone = config.get("on_timeout") == "option" and not config.get("default")
        return (*found, TIMEOUT) if alone else found

    def mistakes(self, config: HumanInputConfig) -> Iterator[tuple[str, ApiError]]:
        count = Counter(config.options)
        for number, option in enumerate(config.options):
            if not _WAY.fullmatch(option) or option in _TAKEN or count[option] > 1:
                yield f"options.{number}", OptionsInvalid(option=option)
        if _duration(config.deadline) is None:
            yield "deadline", DeadlineInvalid()
        if config.default and config.default not in config.options:
            yield "default", DefaultInvalid(option=config.default)


def _duration(text: str) -> timedelta | None:
    """How long `text` says, if that is more than nothing and at most 30 days."""
    found = parse_duration(text) if text.startswith("P") else None
    return found if found is not None and timedelta(0) < found <= LONGEST else None


def _form(config: HumanInputConfig, inputs: Mapping[str, Any]) -> Schema:
    """The form, with the inputs of the same names filled in."""
    fields = config.form.get("properties")
    if not isinstance(fields, Mapping):
        return config.form
    given = plain(inputs)
    filled = {
        name: {**field, "default": given[name]} if name in given and isinstance(field, Mapping) else field
        for name, field in fields.items()
    }
    return {**config.form, "properties": filled}


def _answered(config: HumanInputConfig, answer: Answer, node_id: str) -> NodeResult:
    option = answer.option
    if answer.timed_out:
        if config.on_timeout == "fail":
            raise NobodyAnswered(node=node_id)
        option = config.default or TIMEOUT
    told = {"option": option, "by": answer.by, "timed_out": answer.timed_out}
    return NodeResult({**plain(answer.values), **told}, branch=option)


NODE = HumanInputNode()
