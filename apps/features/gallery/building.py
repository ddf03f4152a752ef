"""The words that templates are written in: nodes, chains, forms, and where the boxes stand."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

Node = dict[str, Any]
Edge = dict[str, str]
Titles = tuple[str, str]  # English, Chinese

COLUMN: Final = 260  # pixels from one step to the next
ROW: Final = 130


def words(titles: Titles) -> dict[str, str]:
    """A text by language, as graphs and templates keep it."""
    return {"en": titles[0], "zh-hans": titles[1]}


def node(key: str, kind: str, titles: Titles, *, config: Mapping[str, Any] | None = None, **inputs: Any) -> Node:
    """A node of a graph."""
    made: Node = {"id": key, "type": kind, "title": words(titles)}
    if config:
        made["config"] = dict(config)
    if inputs:
        made["inputs"] = inputs
    return made


def start() -> Node:
    """Where the form comes in."""
    return node("start", "start", ("Form", "表单"))


def end(**fields: Any) -> Node:
    """What the run gives."""
    return node("end", "end", ("Result", "结果"), **fields)


def chain(*keys: str) -> list[Edge]:
    """Edges from each to the next."""
    return [{"source": a, "target": b} for a, b in pairwise(keys)]


def way(source: str, when: str, target: str) -> Edge:
    """The edge that is taken when `source` goes out by `when`."""
    return {"source": source, "target": target, "when": when}


def graph(nodes: Sequence[Node], edges: Iterable[Edge]) -> dict[str, Any]:
    """A graph as it is stored."""
    return {"schema": 2, "nodes": list(nodes), "edges": list(edges)}


def laid_out(drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Every node in the column of its longest way from the start, side by side with those of the same column."""
    columns: dict[str, int] = {one["id"]: 0 for one in drawn["nodes"]}
    for _round in drawn["nodes"]:
        for edge in drawn["edges"]:
            columns[edge["target"]] = max(columns[edge["target"]], columns[edge["source"]] + 1)
    rows: dict[int, int] = {}
    positions: dict[str, list[int]] = {}
    for key, column in columns.items():
        rows[column] = rows.get(column, -1) + 1
        positions[key] = [column * COLUMN, rows[column] * ROW]
    return {"positions": positions}


# --- forms ------------------------------------------------------------------------------------


def form(required: Sequence[str], **fields: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON Schema that takes these fields and no others."""
    schema = "https://json-schema.org/draft/2020-12/schema"
    told = {"$schema": schema, "type": "object", "additionalProperties": False, "properties": fields}
    return {**told, "required": list(required)} if required else told


def field(titles: Titles, kind: str = "string", **rest: Any) -> dict[str, Any]:
    """A field with its title in both languages."""
    return {"type": kind, "title": titles[0], "x-i18n": {"zh-hans": {"title": titles[1]}}, **rest}


def choice(titles: Titles, default: str, **options: Titles) -> dict[str, Any]:
    """A field with one of a few values. A value's hyphens are written as underscores here."""
    told = [
        {"const": name.replace("_", "-"), "title": en, "x-i18n": {"zh-hans": {"title": zh}}}
        for name, (en, zh) in options.items()
    ]
    return field(titles, default=default, oneOf=told)


def picture(titles: Titles) -> dict[str, Any]:
    """A field for a picture; results show it with the same schema."""
    return field(titles, format="file", contentMediaType="image/*")


def markdown(titles: Titles) -> dict[str, Any]:
    """A text with headings, lists and emphasis."""
    return field(titles, contentMediaType="text/markdown")


def textarea(rows: int, placeholder: Titles) -> dict[str, Any]:
    """How a long text is asked for."""
    return {
        "ui:widget": "textarea",
        "ui:placeholder": placeholder[0],
        "ui:options": {"rows": rows},
        "x-i18n": {"zh-hans": {"ui:placeholder": placeholder[1]}},
    }


def variable(name: str, description: str, **rest: Any) -> dict[str, Any]:
    """A variable of a prompt that has to be given."""
    return {"name": name, "type": "string", "required": True, "description": description, **rest}
