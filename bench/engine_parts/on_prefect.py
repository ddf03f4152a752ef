"""Milliseconds that Prefect takes for a task that does nothing. Runs in its own Python, without the product.

Its server runs beside it over SQLite, started by Prefect itself; tasks run on the flow's own loop. What a flow without
any task takes, some seconds, is taken off.
"""

import asyncio
import json
import logging
import os
import statistics
import time
from collections.abc import Awaitable, Callable

os.environ |= {
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "DO_NOT_TRACK": "1",
}

from prefect import flow, task

NODES, ROUNDS, WARM = 20, 8, 2


async def _nothing(number: int) -> int:
    return number


nothing = task(_nothing)


async def _sequential() -> list[int]:
    return [await nothing(number) for number in range(NODES)]


async def _parallel() -> list[int]:
    return list(await asyncio.gather(*(nothing(number) for number in range(NODES))))


async def _empty() -> list[int]:
    return []


async def seconds(run: Callable[[], Awaitable[list[int]]]) -> float:
    taken = []
    for _round in range(ROUNDS):
        began = time.perf_counter()
        await run()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[WARM:])


async def main() -> dict[str, float]:
    empty = await seconds(flow(_empty))
    flows = {"sequential": flow(_sequential), "parallel": flow(_parallel)}
    return {name: (await seconds(run) - empty) * 1000 / NODES for name, run in flows.items()}


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    print(json.dumps(asyncio.run(main())), flush=True)
