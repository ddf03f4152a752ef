"""What pipelines below a run may use up, by the path of the step that runs them."""

from collections.abc import Iterable, Mapping

from apps.pipelines.engine.budget import Budget
from apps.pipelines.engine.ports import RecordedCall
from apps.pipelines.graph import Limits


class Below:
    """The accounts of all runs below one run. What earlier claims used up is known to them, except the time it took."""

    def __init__(self, calls: Mapping[tuple[str, int], RecordedCall], attempts: Mapping[str, int]) -> None:
        """`calls` and `attempts` are those of earlier claims."""
        self._accounts: dict[str, Budget] = {}
        self._spent = _summed((path, _cost(call)) for (path, _no), call in calls.items())
        self._steps = _summed(attempts.items())

    def account(self, path: str, limits: Limits, above: Budget) -> Budget:
        """That of the run below the step `path`; the same one when the step runs it again."""
        known = self._accounts.get(path)
        if known is None:
            spent, steps = self._spent.get(path, 0), self._steps.get(path, 0)
            known = self._accounts[path] = Budget(limits, spent=spent, steps=steps, above=above)
        return known


def _summed(amounts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """What stands below each path."""
    sums: dict[str, int] = {}
    for path, amount in amounts:
        at = path.find("/")
        while at >= 0:
            sums[path[:at]] = sums.get(path[:at], 0) + amount
            at = path.find("/", at + 1)
    return sums


def _cost(call: RecordedCall) -> int:
    cost = call.usage.get("cost_micro")
    return cost if isinstance(cost, int) else 0
