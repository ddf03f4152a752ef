"""Image work off the event loop: a bounded number at once, progress on the way, stopped when cancelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError

from apps.mcp.image_tools.errors import ImageToolError

T = TypeVar("T")
Report = Callable[[float, str], None]

TOO_MUCH_MEMORY = "The picture needs more memory than this server has. Use a smaller one."


class Jobs:
    """Runs work in threads, at most `limit` at once; the session stays answerable meanwhile."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._limiter: anyio.CapacityLimiter | None = None

    async def run(self, ctx: Context, work: Callable[[Report], T]) -> T:
        """The result of `work`, which is handed a function to report its progress with.

        A cancelled call stops at its next report: until then the thread cannot be interrupted.
        Raises: ToolError with the text of an ImageToolError, which the client may read.
        """

        def report(done: float, message: str) -> None:
            anyio.from_thread.check_cancelled()
            anyio.from_thread.run(ctx.report_progress, done, 1.0, message)

        try:
            result = await anyio.to_thread.run_sync(_within_memory, work, report, limiter=self._get_limiter())
        except ImageToolError as error:
            raise ToolError(str(error)) from error
        await ctx.report_progress(1.0, 1.0, "Done")
        return result

    def _get_limiter(self) -> anyio.CapacityLimiter:
        # Made at the first call: a limiter belongs to the event loop it was made in.
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self._limit)
        return self._limiter


def _within_memory(work: Callable[[Report], T], report: Report) -> T:
    """The result of `work`; memory that ran out is an answer, not a crash.

    The answer is raised outside the handler: the first exception's frames hold the very arrays that
    filled the memory, and with them alive even sending an answer may fail.
    """
    try:
        return work(report)
    except Exception as error:
        if not _is_out_of_memory(error):
            raise
    raise ImageToolError(TOO_MUCH_MEMORY)


def _is_out_of_memory(error: Exception) -> bool:
    """Python, OpenCV and onnxruntime each say it in their own way."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or "bad_alloc" in words or "insufficient memory" in words
