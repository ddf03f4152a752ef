"""`manage.py rollback_config SCOPE KEY VERSION`: the same for anything that is released."""

from dataclasses import replace
from typing import Any

from django.core.management.base import CommandParser

from apps.core.commands import Outcome, ServiceCommand
from apps.features.commands import add_rollback_target, roll_back
from apps.features.publishing import SCOPE


class Command(ServiceCommand):
    help = (
        "Make an older version of any released configuration live again: feature KEY, providers catalogue, "
        "mcp catalogue. With --dry-run show what that changes. The drafts stay as they are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("scope", help="what kind: feature, providers, mcp")
        parser.add_argument("key", help="which one: a feature's key, or catalogue")
        add_rollback_target(parser)
        super().add_arguments(parser)

    def outcome(self, options: dict[str, Any]) -> Outcome:
        outcome = roll_back(options["scope"], options["key"], options)
        if options["scope"] == SCOPE or not outcome.data["changed"]:
            return outcome
        hint = "The rows in the admin stay as they are: the next change there releases them again."
        return replace(outcome, lines=[*outcome.lines, hint])
