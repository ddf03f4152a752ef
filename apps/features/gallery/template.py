"""What a template is: a whole feature as data, nothing of it live, nothing of it yet there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from apps.features.gallery.building import laid_out
from apps.pipelines.graph import parse_graph
from apps.pipelines.nodes import needs_of


@dataclass(frozen=True)
class Template:
    """One row of the gallery. `title`, `description` and `shows` are texts by language.

    `graph` names its prompts by the keys they have here; the import may give them others. A case's `mocks` are the
    outputs of those nodes that ask somebody outside, so that it passes without a model.
    """

    key: str
    title: Mapping[str, str]
    description: Mapping[str, str]
    shows: Mapping[str, str]  # what one learns from it, in a line
    icon: str
    menu: Mapping[str, str]  # the heading it goes under: key, title, title_zh
    cost: int
    form: Mapping[str, Any]
    ui: Mapping[str, Any]
    output: Mapping[str, Any]
    graph: Mapping[str, Any]
    cases: tuple[Mapping[str, Any], ...]
    prompts: tuple[Mapping[str, Any], ...] = ()
    output_ui: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def layout(self) -> dict[str, Any]:
        """Where its boxes stand."""
        return laid_out(self.graph)

    @cached_property
    def capabilities(self) -> tuple[str, ...]:
        """What its models have to be able to do."""
        return self._needed("capabilities")

    @cached_property
    def tools(self) -> tuple[str, ...]:
        """The addresses of the tools that it calls."""
        return self._needed("tools")

    def _needed(self, what: str) -> tuple[str, ...]:
        nodes = parse_graph(dict(self.graph)).nodes
        return tuple(sorted({name for one in nodes for name in getattr(needs_of(one), what)}))

    def told(self, language: str) -> dict[str, Any]:
        """What a list of templates says of it."""
        return {
            "key": self.key,
            "title": self.title.get(language) or self.title["en"],
            "description": self.description.get(language) or self.description["en"],
            "shows": self.shows.get(language) or self.shows["en"],
            "icon": self.icon,
            "cost": self.cost,
            "steps": len(self.graph["nodes"]),
            "cases": [case["name"] for case in self.cases],
            "capabilities": list(self.capabilities),
            "tools": list(self.tools),
        }
