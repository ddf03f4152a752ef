"""How long to wait before something is tried again."""

import asyncio
import random

FIRST_SECONDS, LONGEST_SECONDS = 0.1, 2.0


async def pause(attempt: int) -> None:
    """Twice as long after each attempt, with jitter, so that many callers do not come back at once."""
    longest = min(FIRST_SECONDS * 2 ** (attempt - 1), LONGEST_SECONDS)
    await asyncio.sleep(random.uniform(longest / 2, longest))  # noqa: S311 - jitter
