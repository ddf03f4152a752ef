"""`manage.py sync_roles`: the built-in roles as config/policy.toml says."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.roles import RoleChange, sync_roles
from apps.core.policy import PolicyInvalid


class Command(BaseCommand):
    help = "Make the built-in roles hold exactly what the policy file says. Groups of your own are left alone."
    requires_system_checks = []  # a policy that cannot be used is told below, with every problem

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only show what would change")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print the changes as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            changes = sync_roles(dry_run=options["dry_run"])
        except PolicyInvalid as exc:
            raise CommandError("\n".join(exc.problems)) from exc
        if options["as_json"]:
            self.stdout.write(json.dumps([asdict(change) for change in changes]))
        elif not changes:
            self.stdout.write("The roles hold exactly what the policy file says.")
        else:
            for change in changes:
                self._show(change)

    def _show(self, change: RoleChange) -> None:
        for sign, names in (("+", change.added), ("-", change.removed)):
            for name in names:
                self.stdout.write(f"{change.role} {sign} {name}")
