"""What happens to keys, budgets and secrets in several web processes at once, and whether the promises are kept.

- `revoke`: a key revoked while it is used everywhere; also while the messages that tell of it are lost
- `budget`: a hundred calls at once on a budget for sixty, of an API key and of a person
- `rotation`: the encryption key changed as `docs/operations.md` says, under load
- `crud`: endpoints read and written through the API while there are 200 of them

Real processes, a real Redis, SQLite, an upstream on loopback. Ends with one line of JSON, and with exit code 1 when a
promise was not kept. Run: `.venv/bin/python -m bench.rehearsal [--only revoke] [--processes 3]`.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.rehearsal_parts import budget, crud, revoke, rotation
from bench.rehearsal_parts.fleet import Fleet
from bench.rehearsal_parts.promises import Promises
from bench.rehearsal_parts.site import Site, standing

PARTS = ("crud", "budget", "revoke", "rotation")  # in this order: the last changes what the processes are started with


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=PARTS, help="these parts alone")
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--revocations", type=int, default=20)
    parser.add_argument("--rushes", type=int, default=5, help="on each kind of budget")
    parser.add_argument("--rate", type=float, default=100.0, help="calls per second while the key is changed")
    parser.add_argument("--edits", type=int, default=100, help="of each kind, of endpoints")
    options = parser.parse_args()
    promises = Promises()
    with (
        tempfile.TemporaryDirectory(prefix="paiban-bench-", ignore_cleanup_errors=True) as folder,
        standing(Path(folder)) as site,
    ):
        figures = asyncio.run(run(site, options, promises))
    print(json.dumps({"kept": promises.kept, "broken": promises.broken, **figures}))
    sys.exit(1 if promises.broken else 0)


async def run(site: Site, options: argparse.Namespace, promises: Promises) -> dict[str, Any]:
    """The figures of each part."""
    fleet, figures = Fleet(site.environment, site.folder / "web.log"), {}
    try:
        await fleet.start(options.processes)
        for name in options.only or PARTS:
            figures[name] = await _part(name, site, fleet, options, promises)
            print(f"{name:10}{json.dumps(figures[name])}", flush=True)
    finally:
        fleet.close()
    return figures


async def _part(name: str, site: Site, fleet: Fleet, options: argparse.Namespace, promises: Promises) -> dict[str, Any]:
    if name == "revoke":
        return await revoke.rehearse(site, fleet, promises, rounds=options.revocations)
    if name == "budget":
        return await budget.rehearse(site, fleet, promises, rounds=options.rushes)
    if name == "rotation":
        return await rotation.rehearse(site, fleet, promises, rate=options.rate)
    return await crud.rehearse(site, fleet, promises, rounds=options.edits)


if __name__ == "__main__":
    main()
