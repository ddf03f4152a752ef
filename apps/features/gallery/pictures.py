"""A flow as a small picture: boxes and lines, drawn from where its nodes stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from apps.features.gallery.building import COLUMN, ROW, laid_out

WIDTH: Final = 26
HEIGHT: Final = 14
ACROSS: Final = 38  # from the left edge of a box to that of the next
DOWN: Final = 24
EDGE: Final = 4
SMALLEST: Final = 240  # so that the boxes of a short flow are no larger than those of a long one

# What a step does, by its type: the box has that colour.
KINDS: Final = {
    "start": "edge",
    "end": "edge",
    "llm_chat": "model",
    "image": "tool",
    "mcp_tool": "tool",
    "condition": "choice",
    "switch": "choice",
    "human_input": "person",
}


@dataclass(frozen=True)
class Box:
    """One node."""

    x: int
    y: int
    kind: str


@dataclass(frozen=True)
class Line:
    """One edge, from the right of a box to the left of another."""

    path: str


@dataclass(frozen=True)
class Picture:
    """What the page draws."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def picture_of(graph: Mapping[str, Any]) -> Picture:
    """A whole graph, small, in columns from left to right."""
    places = {key: _place(at) for key, at in laid_out(graph)["positions"].items()}
    boxes = tuple(Box(*places[node["id"]], KINDS.get(node["type"], "plain")) for node in graph["nodes"])
    lines = tuple(Line(_path(places[edge["source"]], places[edge["target"]])) for edge in graph["edges"])
    right = max(SMALLEST, max(box.x for box in boxes) + WIDTH + EDGE)
    bottom = max(box.y for box in boxes) + HEIGHT + EDGE
    return Picture(right, bottom, boxes, lines)


def _place(at: Any) -> tuple[int, int]:
    return EDGE + at[0] // COLUMN * ACROSS, EDGE + at[1] // ROW * DOWN


def _path(source: tuple[int, int], target: tuple[int, int]) -> str:
    """A line that bows under what stands in between, when it goes past other boxes in the same row."""
    x1, y1 = source[0] + WIDTH, source[1] + HEIGHT // 2
    x2, y2 = target[0], target[1] + HEIGHT // 2
    far = x2 - x1 > ACROSS and y1 == y2
    bow = HEIGHT + 2 if far else 0
    return f"M{x1} {y1}C{x1 + 6} {y1 + bow} {x2 - 6} {y2 + bow} {x2} {y2}"
