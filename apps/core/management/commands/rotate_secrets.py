"""`manage.py rotate_secrets`: seal every stored secret under the key in front of PAIBAN_MASTER_KEYS."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from apps.core.commands import Exit, Outcome, ServiceCommand
from apps.core.crypto import current_kid
from apps.core.rotation import BATCH, Tally, rotate


class Command(ServiceCommand):
    help = (
        "Seal every stored secret again under the first key of PAIBAN_MASTER_KEYS, while everything goes on. "
        "Stop and run it again as you like. Afterwards the other keys can be dropped."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", type=int, default=BATCH, help=f"rows read at once, {BATCH} when not said")
        super().add_arguments(parser)

    def outcome(self, options: dict[str, Any]) -> Outcome:
        kid = current_kid()
        told = None if options["as_json"] else self._tell
        tallies = rotate(dry_run=options["dry_run"], batch=max(1, options["batch"]), on_progress=told)
        left = sum(tally.left for tally in tallies)
        lost = [name for tally in tallies for name in tally.unreadable]
        data = {
            "current_key": kid,
            "under_other_keys": left + len(lost),
            "unreadable": lost,
            "fields": [asdict(tally) for tally in tallies],
        }
        refused = bool(lost) or (left > 0 and not options["dry_run"])
        return Outcome(data, _lines(tallies, kid, left, lost), Exit.REFUSED if refused else Exit.DONE)

    def _tell(self, tally: Tally) -> None:
        self.stderr.write(f"{tally.name}: {tally.total} looked at, {tally.rotated} sealed again")


def _lines(tallies: list[Tally], kid: str, left: int, lost: list[str]) -> list[str]:
    lines = [
        f"{tally.name}: {tally.total} in all, {tally.rotated} sealed again, {tally.current} were current, "
        f"{tally.left} to do, {len(tally.unreadable)} unreadable"
        for tally in tallies
    ]
    lines += [f"  cannot be read with the keys at hand: {name}. Enter it again, or put its key back." for name in lost]
    return [*lines, f"{left + len(lost)} under other keys than {kid}."]
