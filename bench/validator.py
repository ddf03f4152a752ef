"""The graph validator on the largest graph it takes: 300 nodes, 10 conditions (1,024 combinations of outcomes).

Beside it, in the same run: the same 300 nodes with no condition. The last line is the ratio.
Run: `.venv/bin/python bench/validator.py`.
"""

import os
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")

NODES, CONDITIONS, ROUNDS = 300, 10, 7


def graph(conditions: int) -> dict[str, Any]:
    """start, then `conditions` diamonds in a row, then a line of prompts up to `NODES` nodes, then end."""
    nodes: list[dict[str, Any]] = [{"id": "start", "type": "start"}]
    edges: list[dict[str, str]] = []
    nodes += [{"id": f"c{n}", "type": "condition", "config": {"expression": "true"}} for n in range(conditions)]
    while len(nodes) < NODES - 1:
        nodes.append({"id": f"p{len(nodes)}", "type": "prompt", "config": {"prompt": "x"}})
    nodes.append({"id": "end", "type": "end", "inputs": {"text": "{{ start.text }}"}})
    for here, after in pairwise(nodes):
        outcomes = ["true", "false"] if here["type"] == "condition" else [""]
        edges += [{"source": here["id"], "target": after["id"], "when": when} for when in outcomes]
    return {"nodes": nodes, "edges": edges}


def seconds(raw: dict[str, Any]) -> float:
    from apps.pipelines.validator import validate

    taken = []
    for _round in range(ROUNDS):
        began = time.perf_counter()
        problems = validate(raw)
        taken.append(time.perf_counter() - began)
        assert problems == [], problems[:3]
    return statistics.median(taken)


def main() -> None:
    import django

    django.setup()
    plain, branching = seconds(graph(0)), seconds(graph(CONDITIONS))
    print(f"{NODES} nodes, no condition   {plain * 1000:8.1f} ms")
    print(f"{NODES} nodes, {CONDITIONS} conditions  {branching * 1000:8.1f} ms")
    print(f"ratio: {branching / plain:.1f}")


if __name__ == "__main__":
    main()
