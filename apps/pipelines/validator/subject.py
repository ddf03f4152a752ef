"""The graph under judgement, with what several rules ask of it; everything is found out once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from apps.core.errors import ApiError
from apps.pipelines.graph import Graph, Node
from apps.pipelines.nodes import needs_of, node_types
from apps.pipelines.nodes.base import Needs, NodeConfig, NodeType, Schema
from apps.pipelines.validator.lineage import FAILED, Lineage, TooManyOutcomes
from apps.pipelines.wiring import Path, choice_of, lone_path, texts_in
from apps.pipelines.wiring import references as paths_of


@dataclass(frozen=True)
class Reading:
    """One text of an input that reads values: the node, the input, the text and the paths in it."""

    node: Node
    name: str
    text: str
    paths: frozenset[Path]

    @property
    def field(self) -> str:
        return f"inputs.{self.name}"

    @property
    def is_choice(self) -> bool:
        return lone_path(self.text) is None and choice_of(self.text) is not None


class Subject:
    """A graph whose shape is sound, and what it is judged with."""

    def __init__(self, graph: Graph, parts: Mapping[str, Any]) -> None:
        self.graph, self.parts = graph, parts
        self.configs: dict[str, NodeConfig] = {}
        self.unfit: dict[str, ValidationError] = {}  # settings that the node's type does not take
        self.unreadable: list[tuple[Node, str, ApiError]] = []  # inputs that are no templates
        self.readings: list[Reading] = []
        self._needed: dict[str, Needs] = {}
        self._accepted: dict[str, Schema] = {}
        self._produced: dict[str, Schema | None] = {}
        for node in graph.nodes:
            self._parse(node)
            self._read(node)

    def _parse(self, node: Node) -> None:
        try:
            self.configs[node.id] = self.kind(node).Config.model_validate(dict(node.config))
        except ValidationError as exc:
            self.unfit[node.id] = exc

    def _read(self, node: Node) -> None:
        for name, template in node.inputs.items():
            try:
                for text in texts_in(template):
                    self.readings.append(Reading(node, name, text, frozenset(paths_of(text))))
            except ApiError as exc:
                self.unreadable.append((node, name, exc))

    # --- node types ---

    def kind(self, node: Node) -> NodeType:
        return node_types()[node.type]

    def sound(self) -> Iterator[tuple[Node, NodeType, NodeConfig]]:
        """The nodes whose settings can be read."""
        for node in self.graph.nodes:
            if node.id in self.configs:
                yield node, self.kind(node), self.configs[node.id]

    def accepts(self, node: Node) -> Schema:
        """The schema of its inputs; of a node whose settings cannot be read, anything."""
        if node.id not in self._accepted:
            config = self.configs.get(node.id)
            self._accepted[node.id] = {} if config is None else self.kind(node).accepts(config, self.parts)
        return self._accepted[node.id]

    def produces(self, node: Node) -> Schema | None:
        """The schema of its output, as far as it is known."""
        if node.id not in self._produced:
            config = self.configs.get(node.id)
            self._produced[node.id] = None if config is None else self.kind(node).produces(config, self.parts)
        return self._produced[node.id]

    def needs(self, node: Node) -> Needs:
        """The parts that it names."""
        if node.id not in self._needed:
            self._needed[node.id] = needs_of(node)
        return self._needed[node.id]

    @cached_property
    def ways(self) -> dict[str, tuple[str, ...]]:
        """The ways out of every node; that of a failure too, where the node goes on."""
        return {node.id: self._ways_of(node) for node in self.graph.nodes}

    def _ways_of(self, node: Node) -> tuple[str, ...]:
        found = dict.fromkeys(self.kind(node).ways(node.config))
        if node.policy.on_error == "continue":
            found[FAILED] = None
        return tuple(found)

    @cached_property
    def lineage(self) -> Lineage | None:
        """What runs when; None where there are too many outcomes."""
        try:
            return Lineage(self.graph, self.ways)
        except TooManyOutcomes:
            return None

    # --- who reads whom ---

    @cached_property
    def read(self) -> dict[str, set[str]]:
        """The names of outputs that are read of each node; "" stands for the whole."""
        found: dict[str, set[str]] = {}
        for reading in self.readings:
            for path in reading.paths:
                found.setdefault(path[0], set()).add(path[1] if len(path) > 1 else "")
        return found
