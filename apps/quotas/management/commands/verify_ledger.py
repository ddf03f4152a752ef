"""`manage.py verify_ledger`: recompute every balance from the ledger."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from apps.quotas.services import verify_ledger


class Command(BaseCommand):
    help = "Recompute every balance from the ledger; exit code 1 and a list when something differs."

    def handle(self, *args: Any, **options: Any) -> None:
        differences = verify_ledger()
        for d in differences:
            self.stdout.write(f"account {d.account}: {d.what} is {d.stored}, the ledger says {d.booked}")
        self.stdout.write(f"{len(differences)} differences")
        if differences:
            sys.exit(1)
