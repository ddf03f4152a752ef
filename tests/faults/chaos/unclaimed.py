"""A worker that works on every run it hears of, whoever has it: without its claims, the loop has to find fault."""

import sys


def disable_the_claim() -> None:
    """Every open run can be claimed by everybody, and every write is let through."""
    from apps.tasks.models import TERMINAL, TaskQuerySet

    TaskQuerySet.claimable = lambda self: self.exclude(status__in=TERMINAL)  # type: ignore[method-assign]
    TaskQuerySet.held_by = lambda self, token: self.exclude(status__in=TERMINAL)  # type: ignore[method-assign]


def main() -> int:
    import django

    django.setup()
    disable_the_claim()
    from celery.bin.celery import main as celery

    sys.argv[0] = "celery"
    return int(celery() or 0)


if __name__ == "__main__":
    sys.exit(main())
