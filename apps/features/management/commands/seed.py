"""`manage.py seed`: demo people, models, tools and features."""

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core.commands import Outcome, ServiceCommand, add_output_arguments
from apps.features.demo.missing import missing
from apps.features.demo.seed import Credentials, seed


class Command(ServiceCommand):
    help = "Create the demo content that is missing. Reads PAIBAN_ADMIN_PASSWORD and PAIBAN_DEMO_PASSWORD."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--credentials", type=Path, help="write the passwords to this file (mode 0600) instead of showing them"
        )
        add_output_arguments(parser, dry_run="create nothing, show what is missing")

    def outcome(self, options: dict[str, Any]) -> Outcome:
        passwords = {
            "admin_password": os.environ.get("PAIBAN_ADMIN_PASSWORD", ""),
            "demo_password": os.environ.get("PAIBAN_DEMO_PASSWORD", ""),
        }
        found = missing(**passwords)
        if options["dry_run"]:
            return Outcome({"missing": found}, _lines("missing", found))
        told = seed(**passwords)
        data, lines = {"created": found}, _lines("created", found)
        if options["credentials"]:
            write_credentials(told, options["credentials"])
            return Outcome(data, lines)
        return Outcome({**data, "credentials": told.as_dict()}, [*lines, *_passwords(told)])


def _lines(verb: str, found: dict[str, list[str]]) -> list[str]:
    lines = [f"{verb} {kind}: {', '.join(names)}" for kind, names in found.items() if names]
    return lines or ["Everything is there. Nothing to do."]


def _passwords(told: Credentials) -> list[str]:
    """What was set now; passwords that were set earlier are not known any more."""
    fresh = {"admin": told.admin_password, **told.demo}
    return [f"{username}: {password}" for username, password in fresh.items() if password]


def write_credentials(told: Credentials, path: Path) -> None:
    """Write them for their owner's eyes only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as sink:
        json.dump(told.as_dict(), sink)
