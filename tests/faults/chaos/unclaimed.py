"""A worker that works on every run it hears of, whoever has it: without its claims, the loop has to find fault."""

import sys
from typing import Any


def disable_the_claim() -> None:
    """Every open run can be claimed by everybody, and all who have it have the same token."""
    from apps.core import states
    from apps.tasks.models import TERMINAL, TaskQuerySet

    move = states.move

    def move_without_token(*args: Any, **changes: Any) -> Any:
        changes.pop("fencing_token", None)
        return move(*args, **changes)

    states.move = move_without_token
    TaskQuerySet.claimable = lambda self: self.exclude(status__in=TERMINAL)  # type: ignore[method-assign]


def main() -> int:
    import django

    django.setup()
    disable_the_claim()
    from celery.bin.celery import main as celery

    sys.argv[0] = "celery"
    return int(celery() or 0)


if __name__ == "__main__":
    sys.exit(main())
