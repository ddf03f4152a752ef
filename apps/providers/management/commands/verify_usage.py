"""`manage.py verify_usage`: recompute the daily sums of usage from the single calls."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from apps.providers.usage.ledger import verify_usage


class Command(BaseCommand):
    help = (
        "Recompute the daily sums of usage from the rows of single calls, as far back as those are kept; "
        "exit code 1 and a list when something differs."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        differences = verify_usage()
        for found in differences:
            self.stdout.write(
                f"{' '.join(map(str, found.slot))}: {found.what} is {found.stored}, rows say {found.summed}"
            )
        self.stdout.write(f"{len(differences)} differences")
        if differences:
            sys.exit(1)
