"""`manage.py seed`: demo people, models, tools and features."""

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.features.demo.seed import Credentials, seed


class Command(BaseCommand):
    help = "Create the demo content that is missing. Reads PAIBAN_ADMIN_PASSWORD and PAIBAN_DEMO_PASSWORD."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--credentials", type=Path, help="write the passwords to this file (mode 0600)")

    def handle(self, *args: Any, **options: Any) -> None:
        told = seed(
            admin_password=os.environ.get("PAIBAN_ADMIN_PASSWORD", ""),
            demo_password=os.environ.get("PAIBAN_DEMO_PASSWORD", ""),
        )
        if options["credentials"]:
            write_credentials(told, options["credentials"])
        else:
            self.stdout.write(json.dumps(told.as_dict(), indent=2))


def write_credentials(told: Credentials, path: Path) -> None:
    """Write them for their owner's eyes only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as sink:
        json.dump(told.as_dict(), sink)
