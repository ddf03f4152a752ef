"""`manage.py import_prices FILE`: take over the prices of a list."""

from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.core.commands import Exit, Outcome, ServiceCommand, problem_line, visible
from apps.providers.offer_form import shown_credits
from apps.providers.price_lists import LARGEST, read_list
from apps.providers.services.prices import Change, PricePlan, apply_prices, plan_prices

MOST_UNKNOWN = 20  # named before the rest is counted; a list of all vendors has thousands


class Command(ServiceCommand):
    help = "Take over the prices of a CSV or JSON list, in one release; with --dry-run show what would change."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="our CSV or JSON, or LiteLLM's model_prices_and_context_window.json")
        parser.add_argument("--rate", type=_rate, help="credits for one dollar, for lists that are in dollars")
        parser.add_argument("--confirm", action="store_true", help="also where a price changes more than tenfold")
        super().add_arguments(parser)

    def outcome(self, options: dict[str, Any]) -> Outcome:
        plan = plan_prices(read_list(_content(options["file"]), rate=options["rate"]))
        refused = bool(plan.problems)
        written = 0
        if not options["dry_run"] and not refused:
            name = Path(options["file"]).name
            written = apply_prices(plan.changes, by=None, confirm=options["confirm"], note=f"Prices of {name}"[:200])
        data = {
            "changed": written,
            "changes": [asdict(change) for change in plan.changes],
            "unchanged_models": plan.same,
            "unknown_models": len(plan.unknown),
            "unpriced": plan.unpriced,
            "problems": list(plan.problems),
        }
        return Outcome(data, _lines(plan, written), Exit.REFUSED if refused else Exit.DONE)


def _rate(text: str) -> Decimal:
    try:
        rate = Decimal(text)
    except InvalidOperation:
        raise CommandError(f"--rate takes a number, not {text!r}.") from None
    if not rate.is_finite() or rate <= 0:
        raise CommandError("--rate takes a number above 0.")
    return rate


def _content(name: str) -> bytes:
    """At most one byte more than is taken, so that a huge file is refused and not read."""
    try:
        with Path(name).open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as exc:
        raise CommandError(f"{name}: {exc.strerror}") from exc


def _lines(plan: PricePlan, written: int) -> list[str]:
    lines = [problem_line(problem) for problem in plan.problems]
    lines += [visible(_line(change)) for change in plan.changes]
    if plan.unknown:
        more = f" and {len(plan.unknown) - MOST_UNKNOWN} more" if len(plan.unknown) > MOST_UNKNOWN else ""
        lines.append(visible(f"Not offered here: {', '.join(plan.unknown[:MOST_UNKNOWN])}{more}."))
    if plan.unpriced:
        lines.append(visible(f"Not in the list: {', '.join(plan.unpriced)}."))
    if plan.problems:
        return [*lines, "Nothing was changed: the list has faults."]
    return [*lines, f"{written} numbers changed, {len(plan.changes) - written} to change, {plan.same} models the same."]


def _line(change: Change) -> str:
    old, new = (shown_credits(v) if change.is_price else str(v) for v in (change.old, change.new))
    mark = "  (more than tenfold)" if change.jump else ""
    return f"{change.endpoint}/{change.model} {change.field}: {old or 'unknown'} -> {new}{mark}"
