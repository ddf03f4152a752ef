"""The preview of a prompt while somebody types: each call has another text, as a pause in typing makes one.

Texts from ordinary to as many placeholders as fit, with every variable declared and with none. Wall time beside the
processor time of the same calls: on a busy machine the first says how busy it is, the second what a preview costs.
The collector of garbage is set up as in the web processes; `--unfrozen` leaves it as Python has it.
Run: `.venv/bin/python bench/prompt_preview.py`. PRMT-03 asks for 200 ms of 95 %.
"""

import argparse
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")

LIMIT_MS = 200.0
ROUNDS, WARM = 60, 3
TEXTS = {"ordinary": (5, 600), "4 kB": (200, 4_000), "17 kB": (200, 17_000), "17 kB, dense": (800, 17_000)}


class Figures(NamedTuple):
    p50_ms: float
    p95_ms: float
    most_ms: float
    cpu_p50_ms: float


def draft(placeholders: int, size: int, *, declared: bool, turn: int) -> dict[str, Any]:
    """A text of about `size` characters, like no other. 100 variables can be declared; more names repeat them."""
    names = [f"v{number % 100}" if declared else f"v{number}" for number in range(placeholders)]
    filler = "word " * max(0, (size // placeholders - 14) // 5)
    body = "".join(f"{filler}{{{{ {name} }}}}\n" for name in names)
    variables = [{"name": name, "type": "string"} for name in dict.fromkeys(names)] if declared else []
    return {"system": "Be brief.", "body": f"{body}Turn {turn}.", "variables": variables}


def figures(call: Callable[[int], object]) -> Figures:
    wall, cpu = [], []
    for turn in range(ROUNDS + WARM):
        began, worked = time.perf_counter(), time.thread_time()
        call(turn)
        wall.append((time.perf_counter() - began) * 1000)
        cpu.append((time.thread_time() - worked) * 1000)
    wall, cpu = sorted(wall[WARM:]), sorted(cpu[WARM:])
    return Figures(wall[ROUNDS // 2], wall[ROUNDS * 95 // 100], wall[-1], cpu[ROUNDS // 2])


def measured(placeholders: int, size: int, *, declared: bool) -> Figures:
    from apps.prompts.preview import look_at

    values = {f"v{number}": "a value" for number in range(placeholders)}

    def call(turn: int) -> None:
        told = look_at(draft(placeholders, size, declared=declared, turn=turn), values).as_dict()
        assert f"Turn {turn}." in json.dumps(told)

    return figures(call)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--unfrozen", action="store_true", help="leave the collector of garbage as Python has it")
    unfrozen = options.parse_args().unfrozen
    import django

    django.setup()
    from django.urls import get_resolver

    len(get_resolver().url_patterns)
    gc.collect()
    if not unfrozen:
        gc.freeze()
    print(f"{'text':<14}{'variables':<12}{'p50':>9}{'p95':>9}{'most':>9}{'cpu p50':>9}   ms")
    rows = {}
    for name, (placeholders, size) in TEXTS.items():
        for declared in (True, False):
            found = measured(placeholders, size, declared=declared)
            rows[f"{name}, {'declared' if declared else 'undeclared'}"] = found
            print(f"{name:<14}{'declared' if declared else 'undeclared':<12}{''.join(f'{one:9.1f}' for one in found)}")
    worst = max(one.p95_ms for one in rows.values())
    print(json.dumps({name: one._asdict() for name, one in rows.items()}))
    print(f"ratio: {worst / LIMIT_MS:.2f} of the limit at the worst p95")


if __name__ == "__main__":
    main()
