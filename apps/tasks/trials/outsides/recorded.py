"""The answers of an old run in place of the outside: the same run again, for nothing."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.core.errors import ApiError
from apps.core.publishing.canonical import sha256_of
from apps.pipelines.engine.ports import Call, Do, RecordedCall
from apps.pipelines.nodes.context import Json
from apps.tasks.trials.errors import NotRecorded, RecordedFailed

Calls = Mapping[tuple[str, int], RecordedCall]
Fill = Callable[[Json], Awaitable[Json]]


@dataclass(frozen=True)
class Recording:
    """What an old run asked outside, by path and number.

    `lenient`: the replay runs the very same snapshot, so a call in the same place is the same call, even if its words
    hold a run's id or a date. On another graph only the same request gets the old answer. `fill`: what was not
    recorded is asked for real.
    """

    calls: Calls
    lenient: bool = False
    fill: bool = False

    def find(self, call: Call) -> RecordedCall | None:
        """The old call in the same place, else, at the same address, one with the same request."""
        wanted, where = sha256_of(call.request), (call.kind, call.address)
        here = self.calls.get((call.path, call.no))
        if here and (here.kind, here.address) == where and (self.lenient or here.request_sha256 == wanted):
            return here
        asked = (*where, wanted)
        return next((c for c in self.calls.values() if (c.kind, c.address, c.request_sha256) == asked), None)


@dataclass(frozen=True)
class Replayed:
    """Answers every call of a run from `recording`. `filled` gives an answer whole of which parts were put away.

    Raises `RecordedFailed` where the old call failed, `NotRecorded` where there is none and nothing may be asked.
    """

    recording: Recording
    filled: Fill

    async def __call__(self, call: Call, do: Do) -> Json:
        found = self.recording.find(call)
        if found is None and self.recording.fill:
            return await do(call.key)
        if found is None or found.status in ("intent", "unknown"):
            raise NotRecorded(address=call.address)
        if found.status == "failed":
            raise _failure(call.address, found)
        return _free(await self.filled(found.response))


def _failure(address: str, call: RecordedCall) -> ApiError:
    error: Mapping[str, Any] = call.error or {}
    return RecordedFailed(address=address, what=error.get("message") or "?", details={"recorded": dict(error)})


def _free(response: Json) -> Json:
    """The answer with a cost of nothing: it was paid then."""
    usage = response.get("usage") if isinstance(response, dict) else None
    if not isinstance(usage, dict) or "cost_micro" not in usage:
        return response
    return {**response, "usage": {**usage, "cost_micro": 0, "recorded_cost_micro": usage["cost_micro"]}}
