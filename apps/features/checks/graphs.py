"""The graphs of a payload, each with where it stands. Shared by several checks."""

from dataclasses import dataclass
from typing import Any

from apps.features.closure import parts_of
from apps.pipelines.graph import Graph, readable_graph


@dataclass(frozen=True)
class PlacedGraph:
    """One graph, the key of its pipeline, its path in the payload, and the parts its nodes may see."""

    key: str
    path: str
    raw: Any
    graph: Graph
    parts: dict[str, Any]


def graphs_of(payload: dict[str, Any]) -> list[PlacedGraph]:
    """The main graph, then those of the sub-pipelines. These do not see the form: their start is given other values."""
    parts = parts_of(payload)
    inner = {name: part for name, part in parts.items() if name != "form"}
    main = payload["pipeline"]
    found = [PlacedGraph(main["key"], "/pipeline", main["graph"], readable_graph(main["graph"]), parts)]
    for key, sub in payload["pipelines"].items():
        found.append(PlacedGraph(key, f"/pipelines/{key}", sub["graph"], readable_graph(sub["graph"]), inner))
    return found
