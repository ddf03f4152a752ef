"""The graph validator at 30, 100 and 300 nodes, as the editor asks it: at every keystroke.

Cold: every template and expression is read for the first time. Keystroke: one text differs from the call before.
Decisions: 10 with two ways each, 1,024 outcomes; the last line has the most that is taken, 65,536.
Aim: 5, 15 and 50 ms a keystroke. Run: `.venv/bin/python bench/validator.py`.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")

ROUNDS = 25
TOOL = {
    "input_schema": {
        "type": "object",
        "required": ["text"],
        "properties": {"text": {"type": "string"}, "size": {"type": "integer", "maximum": 9}},
    },
    "output_schema": {"type": "object", "properties": {"text": {"type": "string"}, "count": {"type": "integer"}}},
}
PARTS: dict[str, Any] = {
    "form": {"type": "object", "properties": {"text": {"type": "string"}, "tone": {"type": "string"}}},
    "output": {"type": "object", "properties": {"text": {"type": "string"}}},
    "prompts": {
        "p": {
            "system": "",
            "body": "{{ text }} {{ tone }}",
            "variables": [{"name": "text", "type": "string"}, {"name": "tone", "type": "string"}],
        }
    },
    "tools": {"s/t": TOOL},
    "pipelines": {},
    "answers": {("chat", ""): "real"},
    "hosts": [],
}


def graph(size: int, decisions: int, *, key: str = "") -> dict[str, Any]:
    """start, `decisions` conditions in a row, then prompts, answers and tools in turn, each reading what is before."""
    nodes: list[dict[str, Any]] = [{"id": "start", "type": "start"}]
    for number in range(decisions):
        inputs = {"tone": "{{ start.tone }}"}
        config = {"expression": f"tone == 'formal' || size(tone) > {number}"}
        nodes.append({"id": f"c{number}", "type": "condition", "config": config, "inputs": inputs})
    while len(nodes) < size - 1:
        nodes.append(_step(len(nodes), nodes[-1], key))
    last = nodes[-1]["id"]
    nodes.append({"id": "end", "type": "end", "inputs": {"text": f"{{{{ {last}.text }}}}"}})
    edges = []
    for here, after in pairwise(nodes):
        ways = ["true", "false"] if here["type"] == "condition" else [""]
        edges += [{"source": here["id"], "target": after["id"], "when": way} for way in ways]
    return {"nodes": nodes, "edges": edges}


def _step(number: int, before: dict[str, Any], key: str) -> dict[str, Any]:
    source = "start" if before["type"] in ("start", "condition") else before["id"]
    text = f"{{{{ {source}.text }}}}"
    inputs: dict[str, Any]
    if number % 3 == 0:
        inputs = {"text": f"{text} Step {number}{key}.", "tone": "{{ start.tone }}"}
        return {"id": f"n{number}", "type": "prompt", "config": {"prompt": "p"}, "inputs": inputs}
    if number % 3 == 1:
        return {"id": f"n{number}", "type": "llm_chat", "inputs": {"text": text, "system": "Be brief."}}
    inputs = {"text": f"{text} and {{{{ start.tone | upcase }}}}{key}", "size": 3}
    return {"id": f"n{number}", "type": "mcp_tool", "config": {"server": "s", "tool": "t"}, "inputs": inputs}


def milliseconds(make: Callable[[int], dict[str, Any]], rounds: int = ROUNDS) -> tuple[float, float]:
    """Median and 95th percentile."""
    from apps.pipelines.validator import validate

    taken = []
    for number in range(rounds):
        raw = make(number)
        began = time.perf_counter()
        problems = validate(raw, PARTS)
        taken.append((time.perf_counter() - began) * 1000)
        assert problems == [], problems[:3]
    return statistics.median(taken), sorted(taken)[int(len(taken) * 0.95)]


def keystroke(size: int, decisions: int) -> Callable[[int], dict[str, Any]]:
    """The same graph with one text that grows."""

    def make(number: int) -> dict[str, Any]:
        raw = graph(size, decisions)
        raw["nodes"][-2]["inputs"]["text"] += "x" * number
        return raw

    return make


def main() -> None:
    import django

    django.setup()
    milliseconds(keystroke(30, 2), rounds=3)  # imports
    print(f"{'nodes':>6} {'outcomes':>9} {'keystroke ms':>13} {'p95':>7} {'cold ms':>9}")
    for size, decisions in ((30, 5), (100, 10), (300, 10), (300, 16)):
        cold, _slow = milliseconds(lambda n, s=size, d=decisions: graph(s, d, key=f" {s} {d} {n}"), rounds=5)  # type: ignore[misc]
        milliseconds(keystroke(size, decisions), rounds=2)
        median, slow = milliseconds(keystroke(size, decisions))
        print(f"{size:>6} {2**decisions:>9} {median:>13.1f} {slow:>7.1f} {cold:>9.1f}")


if __name__ == "__main__":
    main()
