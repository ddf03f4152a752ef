"""`manage.py generate_references`: the pages in docs/ that are made from the code."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core import references


class Command(BaseCommand):
    help = "Write the generated pages in docs/; with --check only say which differ, exit code 1 when any does."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing, compare")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["check"]:
            for path in references.write():
                self.stdout.write(f"wrote {path}")
        elif differing := references.outdated():
            raise CommandError(f"{', '.join(differing)} differ from the code. Renew with: {references.RENEW}")
