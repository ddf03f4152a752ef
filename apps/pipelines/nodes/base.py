"""What a node type is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product
from typing import Any, ClassVar, Literal, Protocol

from django.utils.functional import Promise
from pydantic import BaseModel, ConfigDict

from apps.core.errors import ApiError
from apps.pipelines.nodes.context import Answer, Files, Nested, NodeContext, Outside, Woken

__all__ = [
    "Answer",
    "Asked",
    "BaseNode",
    "Category",
    "Effect",
    "Files",
    "Needs",
    "Nested",
    "NodeConfig",
    "NodeContext",
    "NodeResult",
    "NodeType",
    "Outside",
    "Pause",
    "Schema",
    "Slept",
    "Woken",
    "closed",
    "known_names",
    "named",
]

Schema = Mapping[str, Any]  # JSON Schema 2020-12
Category = Literal["flow", "models", "data", "logic", "tools", "people"]
# pure: may be computed again at any time; read: asks outside and changes nothing there; effect: changes something
Effect = Literal["pure", "read", "effect"]


class NodeConfig(BaseModel):
    """A node's own settings; its JSON Schema drives validation, the editor's inspector and the docs."""

    model_config = ConfigDict(extra="forbid")


ConfigClass = type[NodeConfig]


@dataclass(frozen=True)
class NodeResult:
    """What a node produced. `branch` is the way it goes on; `usage` is what has to be told or paid."""

    output: Mapping[str, Any]
    branch: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Needs:
    """The parts that a node names: what a release freezes, and what where-used counts."""

    prompts: frozenset[str] = frozenset()  # as written: `key`, `key@3`, `key@production`
    tools: frozenset[str] = frozenset()  # `server/tool`
    pipelines: frozenset[str] = frozenset()
    capabilities: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()

    @property
    def routes(self) -> frozenset[tuple[str, str]]:
        """What is asked of models, as (capability, model); the model is "" where none is named."""
        return frozenset(product(self.capabilities, self.models or {""}))


class Pause(Exception):
    """Ends a run of the step without a result; it is run again when what it waits for has come."""


@dataclass(eq=False)  # an exception is compared by identity
class Asked(Pause):
    """A person is asked; the answer comes as `context.resumed`."""

    title: Any  # a text, or texts by language
    form: Schema
    options: Sequence[str]
    deadline_at: datetime
    who: Literal["owner", "staff"] = "owner"
    on_timeout: Literal["option", "fail"] = "fail"
    default: str = ""  # the option that stands when nobody answered, where `on_timeout` is "option"
    ui: Schema = field(default_factory=dict)


@dataclass(eq=False)
class Slept(Pause):
    """Nothing is to happen before `until`."""

    until: datetime


Says = tuple[type[ApiError], ...]


class NodeType(Protocol):
    """One node type; one file in this folder, registered by being there. `BaseNode` has the usual answers.

    `needs` and `ways` read settings as they are written, because drafts may be unfinished: they never raise. The other
    methods are given settings that `Config` has parsed.
    """

    type: ClassVar[str]
    label: ClassVar[str | Promise]
    help: ClassVar[str | Promise]
    category: ClassVar[Category]
    icon: ClassVar[str]
    Config: ClassVar["ConfigClass"]
    effect: ClassVar[Effect]
    single: ClassVar[bool]  # whether a graph has exactly one
    streams: ClassVar[bool]  # whether it tells its text while it comes, and has to take it back when it starts again
    default_timeout: ClassVar[float]
    max_timeout: ClassVar[float]  # the most that a node's policy may ask for
    says: ClassVar[Says]  # what `mistakes` may say that no other rule says
    retries: ClassVar[int]  # how often a retryable failure is tried again; 0 where repeating has an effect

    async def run(self, context: NodeContext) -> NodeResult:
        """Do the work. Raises `ApiError`, or `Pause`."""

    def accepts(self, config: Any, parts: Mapping[str, Any]) -> Schema:
        """JSON Schema of its inputs. `additionalProperties: false` where it takes no others."""

    def produces(self, config: Any, parts: Mapping[str, Any]) -> Schema | None:
        """JSON Schema of its output; None when nothing can be known before it ran."""

    def ways(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        """The names of the ways out of it: `("",)` where there is one."""

    def needs(self, config: Mapping[str, Any]) -> Needs:
        """The parts that it names."""

    def mistakes(self, config: Any) -> Iterator[tuple[str, ApiError]]:
        """What cannot work in its settings although their types are right: the setting (`cases.0.expression`), why."""

    def worst_cost(self, config: Any, parts: Mapping[str, Any]) -> int | None:
        """The most that one run can cost, in micro-credits; None when that cannot be known."""


class BaseNode:
    """The usual answers: computes from open inputs, one way out, and names parts in the settings called after them."""

    help: ClassVar[str | Promise] = ""
    category: ClassVar[Category] = "data"
    icon: ClassVar[str] = "box"
    Config: ClassVar[ConfigClass] = NodeConfig
    effect: ClassVar[Effect] = "pure"
    single: ClassVar[bool] = False
    streams: ClassVar[bool] = False
    default_timeout: ClassVar[float] = 5.0
    max_timeout: ClassVar[float] = 600.0
    retries: ClassVar[int] = 0
    says: ClassVar[Says] = ()

    def accepts(self, config: Any, parts: Mapping[str, Any]) -> Schema:
        return {"type": "object", "properties": {}}

    def produces(self, config: Any, parts: Mapping[str, Any]) -> Schema | None:
        return None

    def ways(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return ("",)

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return Needs(
            pipelines=named(config, "pipeline"),
            capabilities=named(config, "capability"),
            models=named(config, "model"),
        )

    def mistakes(self, config: Any) -> Iterator[tuple[str, ApiError]]:
        return iter(())

    def worst_cost(self, config: Any, parts: Mapping[str, Any]) -> int | None:
        return 0


def named(config: Mapping[str, Any], setting: str) -> frozenset[str]:
    """The one name that a setting holds; none where it holds something else, as in an unfinished draft."""
    value = config.get(setting)
    return frozenset({value}) if isinstance(value, str) and value else frozenset()


def closed(properties: Mapping[str, Schema], *, required: Sequence[str] = ()) -> dict[str, Any]:
    """The schema of an object with these fields and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def known_names(schema: Schema | None) -> frozenset[str] | None:
    """The names of an object's fields; None when the schema does not tell them."""
    fields = schema.get("properties") if isinstance(schema, Mapping) else None
    return frozenset(fields) if isinstance(fields, Mapping) else None
