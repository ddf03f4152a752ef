"""One of several processes that rush at a limited endpoint: `python -m tests.providers.rush ROUNDS LIMITS`.

Prints how often it was let in, and the most that were ever inside at once over all processes.
"""

import asyncio
import json
import sys

from apps.core import redis
from apps.core.errors import ApiError
from apps.providers import admission
from apps.providers.types import Candidate

TASKS = 8


async def main(rounds: int, limits: dict[str, int]) -> None:
    candidate = Candidate("rushed", 1, "mock", "", "m", 30, 0, **limits)  # type: ignore[arg-type]
    admitted, most = 0, 0
    client = redis.new_async_client()
    await client.rpush("rush:ready", 1)
    while not await client.blpop("rush:go", timeout=1):
        pass  # shorter than what the client takes for a dead server

    async def one() -> None:
        nonlocal admitted, most
        for _number in range(rounds):
            try:
                permit = await admission.admit(candidate, tokens=1)
            except ApiError:
                await asyncio.sleep(0)
                continue
            admitted += 1
            most = max(most, await client.incr("rush:inside"))
            await client.decr("rush:inside")
            await admission.leave(permit, error=None, tokens=1, first_ms=1.0)

    await asyncio.gather(*(one() for _number in range(TASKS)))
    sys.stdout.write(json.dumps({"admitted": admitted, "most": most}))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), json.loads(sys.argv[2])))
