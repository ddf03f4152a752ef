"""The engine beside LangGraph and Prefect: 20 nodes that do nothing, one after the other and all at once.

Ours keeps every step (`bench/engine.py`, `grouped`) on the database of `DATABASE_URL`. LangGraph runs with nothing
kept, and with its checkpoints in memory; Prefect with its server in the same process and SQLite, as it comes.

The peers are looked for where `PAIBAN_BENCH_LANGGRAPH` (a Python with `langgraph`) and `PAIBAN_BENCH_PREFECT` (a Python
with `prefect` and `fastapi<0.120`) say; one that is not named is left out. Everybody runs in a process of its own, in
turns, and the best of the turns counts: what else the machine does only adds.
Run: `.venv/bin/python bench/engine_peers.py`.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

PARTS: Final = Path(__file__).resolve().parent / "engine_parts"
TURNS: Final = 3
SHAPES: Final = ("sequential", "parallel")
PEERS: Final = {
    "LangGraph": ("PAIBAN_BENCH_LANGGRAPH", ["on_langgraph.py"]),
    "LangGraph, memory checkpoints": ("PAIBAN_BENCH_LANGGRAPH", ["on_langgraph.py", "--memory"]),
    "Prefect": ("PAIBAN_BENCH_PREFECT", ["on_prefect.py"]),
}


def main() -> None:
    runs = {"Paiban, durable": [sys.executable, str(PARTS.parent / "engine.py"), "--json"]}
    for name, (variable, script) in PEERS.items():
        if python := os.environ.get(variable):
            runs[name] = [python, str(PARTS / script[0]), *script[1:]]
        else:
            print(f"{name}: left out, {variable} is not set")
    best: dict[str, dict[str, float]] = {name: {} for name in runs}
    for _turn in range(TURNS):
        for name, command in runs.items():
            for shape, milliseconds in measured(command).items():
                best[name][shape] = min(milliseconds, best[name].get(shape, milliseconds))
    show(best)


def measured(command: list[str]) -> dict[str, float]:
    """Milliseconds a node, by shape: the last line of what `command` prints."""
    with tempfile.TemporaryDirectory(prefix="paiban-bench-") as folder:
        environment = {**os.environ, "PREFECT_HOME": folder, "PAIBAN_TEST_DATA_DIR": folder, "HOME": folder}
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{ran.stderr[-2000:]}")
    found: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return found


def show(best: dict[str, dict[str, float]]) -> None:
    ours = best["Paiban, durable"]
    print(f"best of {TURNS}, load {os.getloadavg()[0]:.1f}")
    for name, found in best.items():
        told = "; ".join(
            f"{shape} {found[shape]:.3f} ms, ours is {ours[shape] / found[shape]:.3f} of it" for shape in SHAPES
        )
        print(f"{name:30} {told}")


if __name__ == "__main__":
    main()
