"""`manage.py rollback_feature KEY VERSION`: an older version of a feature is live again, as a new version."""

from typing import Any

from django.core.management.base import CommandParser

from apps.core.commands import Outcome, ServiceCommand
from apps.features.commands import add_rollback_target, roll_back
from apps.features.publishing import SCOPE


class Command(ServiceCommand):
    help = "Make an older version of a feature live again, as a new version; with --dry-run show what that changes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="the feature, for example product-photo")
        add_rollback_target(parser)
        super().add_arguments(parser)

    def outcome(self, options: dict[str, Any]) -> Outcome:
        return roll_back(SCOPE, options["key"], options)
