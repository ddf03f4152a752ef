"""One mover for every state machine: a conditional update on the old state."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

Transitions = Mapping[str, frozenset[str]]


def sources_of(transitions: Transitions, to: str) -> list[str]:
    """The states from which `to` may be reached."""
    return [state for state, targets in transitions.items() if to in targets]


def move(rows: QuerySet[Any], transitions: Transitions, *, to: str, **changes: object) -> bool:
    """Move the one row of `rows` to state `to`, writing `changes` with it.

    True when it moved; False when it stands in a state from which `to` is not legal, or the further conditions
    of `rows` (a fencing token, say) no longer hold.

    Concurrency: a single conditional UPDATE; of two callers at once exactly one is told True.
    """
    return bool(rows.filter(status__in=sources_of(transitions, to)).update(status=to, **changes))
