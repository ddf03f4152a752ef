"""Switch: the first of several CEL expressions that holds decides which way to go on, and `default` when none does.

Costs: nothing.
When it fails: an expression cannot be decided, or `first` is off and several hold: the step fails at once.
After a kill: decided again, with the same result.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import BaseModel, ConfigDict, Field

from apps.core.errors import ApiError
from apps.pipelines.errors import ConditionInvalid
from apps.pipelines.expressions import compile_expression, decide
from apps.pipelines.nodes.base import BaseNode, NodeConfig, NodeContext, NodeResult, Schema, closed
from apps.pipelines.nodes.errors import CaseInvalid, CasesAmbiguous

DEFAULT: Final = "default"
RESERVED: Final = frozenset({DEFAULT, "error", "timeout"})  # ways that mean something else
WAY: Final = re.compile(r"[a-z][a-z0-9_]{0,15}")


class Case(BaseModel):
    """One way out of a switch."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(title=gettext_noop("Name of the way"))
    expression: str = Field(title=gettext_noop("Expression"), json_schema_extra={"x-widget": "cel"})


class SwitchConfig(NodeConfig):
    cases: list[Case] = Field(
        min_length=1,
        max_length=20,
        title=gettext_noop("Cases"),
        description=gettext_noop("Looked at from the top; each is a way out, and “default” is one more."),
    )
    first: bool = Field(
        default=True,
        title=gettext_noop("The first that holds wins"),
        description=gettext_noop("Switched off, several cases that hold are a mistake."),
    )


class SwitchNode(BaseNode):
    type = "switch"
    label = _("Switch")
    help = _("Goes one of several ways, by expressions over its inputs.")
    category = "logic"
    icon = "switch"
    Config = SwitchConfig

    async def run(self, context: NodeContext) -> NodeResult:
        config: SwitchConfig = context.config
        way = _first(config.cases, context.inputs) if config.first else _only(config.cases, context.inputs)
        return NodeResult({"result": way}, branch=way)

    def produces(self, config: SwitchConfig, parts: Mapping[str, Any]) -> Schema | None:
        return closed({"result": {"type": "string"}})

    def ways(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        cases = config.get("cases")
        found = [case.get("key") for case in cases if isinstance(case, Mapping)] if isinstance(cases, list) else []
        return (*(key for key in found if isinstance(key, str) and key), DEFAULT)

    def mistakes(self, config: SwitchConfig) -> Iterator[tuple[str, ApiError]]:
        count = Counter(case.key for case in config.cases)
        for number, case in enumerate(config.cases):
            if not WAY.fullmatch(case.key) or case.key in RESERVED or count[case.key] > 1:
                yield f"cases.{number}.key", CaseInvalid(case=case.key)
            try:
                compile_expression(case.expression)
            except ConditionInvalid as exc:
                yield f"cases.{number}.expression", exc


def _first(cases: Sequence[Case], values: Mapping[str, Any]) -> str:
    return next((case.key for case in cases if decide(case.expression, values)), DEFAULT)


def _only(cases: Sequence[Case], values: Mapping[str, Any]) -> str:
    found = [case.key for case in cases if decide(case.expression, values)]
    if len(found) > 1:
        raise CasesAmbiguous(cases=", ".join(found))
    return found[0] if found else DEFAULT


NODE = SwitchNode()
