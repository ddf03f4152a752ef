"""A feature's draft and its releases, asked alike for the parts they are made of."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

from django.utils.translation import get_language

from apps.core.publishing.usage import Kind
from apps.features.audience import words
from apps.features.models import Feature
from apps.pipelines.graph import Graph, readable_graph
from apps.pipelines.parts import pipelines_named, prompts_named, routes_named, tools_named
from apps.prompts.reference import key_of


class State(ABC):
    """What one state of a feature names. Subclasses say where it stands."""

    menu: str
    shown: bool  # in the menu
    schemas: tuple[Any, ...]

    @property
    @abstractmethod
    def title(self) -> str:
        """What it is called, for whoever reads it now."""

    @property
    @abstractmethod
    def menu_title(self) -> str:
        """Under which heading it stands."""

    @property
    @abstractmethod
    def graphs(self) -> Mapping[str, Graph]:
        """The pipeline and those below it, by key."""

    @property
    @abstractmethod
    def prompts(self) -> frozenset[str]:
        """Those that its nodes name, and those that these bring in: each as it is written there."""

    @property
    @abstractmethod
    def page_roles(self) -> frozenset[str]:
        """Who sees it; none are everybody."""

    def keys(self, kind: Kind) -> frozenset[str]:
        """The keys of its parts of `kind`. Endpoints and models follow from its routes and the catalogue."""
        found: dict[Kind, Any] = {
            "pipeline": lambda: self.graphs,
            "prompt": lambda: map(key_of, self.prompts),
            "prompt_reference": lambda: self.prompts,
            "tool": lambda: self.tools,
            "server": lambda: (address.partition("/")[0] for address in self.tools),
            "menu": lambda: [self.menu],
            "role": lambda: self.page_roles.union(*map(roles_in, self.schemas)),
            "route": lambda: self.routes,
        }
        return frozenset(key for key in found[kind]() if key)

    @cached_property
    def tools(self) -> frozenset[str]:
        return frozenset(address for graph in self.graphs.values() for address in tools_named(graph))

    @cached_property
    def routes(self) -> frozenset[str]:
        """What its nodes ask of models: "capability", or "capability/model" where a node names one."""
        named = routes_named(self.graphs.values())
        return frozenset(f"{capability}/{model}" if model else capability for capability, model in named)


class Draft(State):
    """The rows as they are now.

    `reached` answers a pipeline and those below it; `included` adds to prompts those that they bring in.
    """

    def __init__(
        self,
        feature: Feature,
        *,
        reached: Callable[[str], Mapping[str, Graph]],
        included: Callable[[Iterable[str]], frozenset[str]],
    ) -> None:
        self.feature = feature
        self._reached, self._included = reached, included
        self.menu, self.shown = feature.menu.key, feature.enabled
        self.schemas = (feature.form_schema, feature.output_schema)

    @property
    def title(self) -> str:
        return str(self.feature)

    @property
    def menu_title(self) -> str:
        return str(self.feature.menu)

    @cached_property
    def graphs(self) -> Mapping[str, Graph]:
        return self._reached(self.feature.pipeline.key)

    @cached_property
    def prompts(self) -> frozenset[str]:
        return self._included(name for graph in self.graphs.values() for name in prompts_named(graph))

    @cached_property
    def page_roles(self) -> frozenset[str]:
        return frozenset(group.name for group in self.feature.roles.all())


class Released(State):
    """One released payload: it names everything itself."""

    def __init__(self, version: int, payload: Mapping[str, Any]) -> None:
        self.version, self.payload = version, payload
        self.menu, self.shown = payload["menu"]["group"], bool(payload["enabled"])
        self.schemas = (payload["form"]["schema"], payload["output"]["schema"])

    @property
    def title(self) -> str:
        return words(self.payload["title"], get_language() or "en")

    @property
    def menu_title(self) -> str:
        return words(self.payload["menu"]["title"], get_language() or "en")

    @cached_property
    def graphs(self) -> Mapping[str, Graph]:
        top, below = self.payload["pipeline"], self.payload.get("pipelines", {})
        held = {top["key"]: top["graph"]} | {key: entry["graph"] for key, entry in below.items()}
        return {key: readable_graph(graph) for key, graph in held.items()}

    @cached_property
    def prompts(self) -> frozenset[str]:
        return frozenset(self.payload["prompts"])

    @cached_property
    def page_roles(self) -> frozenset[str]:
        return frozenset(self.payload["roles"])

    @cached_property
    def routes(self) -> frozenset[str]:
        """Also the capabilities that the release names beyond its chat nodes."""
        asked = super().routes
        return asked | (frozenset(self.payload["routes"]) - {route.partition("/")[0] for route in asked})


def roles_in(schema: Any) -> frozenset[str]:
    """The roles that `x-roles` names anywhere in `schema`."""
    if isinstance(schema, list):
        return frozenset().union(*map(roles_in, schema))
    if not isinstance(schema, Mapping):
        return frozenset()
    named = schema.get("x-roles")
    own = frozenset(role for role in named if isinstance(role, str)) if isinstance(named, list) else frozenset()
    return own.union(*map(roles_in, schema.values()))


def with_sub_pipelines(key: str, pipelines: Mapping[str, Graph]) -> dict[str, Graph]:
    """The pipeline `key` and all that its nodes run, however deep; circles end."""
    found: dict[str, Graph] = {}
    todo = [key]
    while todo:
        here = todo.pop()
        if here in found or here not in pipelines:
            continue
        found[here] = pipelines[here]
        todo += pipelines_named(pipelines[here])
    return found
