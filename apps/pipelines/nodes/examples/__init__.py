"""A small graph for each node type, as `docs/nodes.md` shows it, over the prompts, tools and pipelines of `parts`."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent


def example(kind: str) -> dict[str, Any]:
    """The graph that shows the node type `kind`."""
    return _read(kind)


def parts() -> dict[str, Any]:
    """What a release of the examples would hold beside their graphs."""
    return _read("parts")


@lru_cache(maxsize=64)
def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))
    return found
