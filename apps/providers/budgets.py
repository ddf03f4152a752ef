"""Caps on what a key or a person may spend on models: reserved before a call, settled after it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """One cap: `holder` is `key:<id>` or `user:<id>`, `cap` in micro-credits per `period`."""

    holder: str
    cap: int
    period: str  # "total", "day" or "month"


@dataclass(slots=True)
class Reservation:
    """What is set aside for one call; settled exactly once."""

    id: str
    amount: int
    budgets: tuple[Budget, ...]


async def reserve(budgets: tuple[Budget, ...], amount: int) -> Reservation | None:
    """Set `amount` micro-credits aside in every budget, or in none. Raises `BudgetExhausted`. None without budgets."""
    return None


async def settle(reservation: Reservation | None, cost: int) -> None:
    """Book `cost` in the place of what was set aside. It may exceed it; it is never lost."""
