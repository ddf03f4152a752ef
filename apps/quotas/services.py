"""Hold, commit, release: each once per task, in one transaction, with a constraint behind it."""

from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Sum

from apps.core.failpoints import declare, hit
from apps.quotas.errors import QuotaExhausted
from apps.quotas.models import Account, Book, Entry, Hold, Resolution

__all__ = ["Difference", "account_of", "commit_hold", "grant", "hold_quota", "release_hold", "verify_ledger"]

log = structlog.get_logger("quotas")

POINTS = declare(
    "quotas.account.opened",
    "quotas.grant.booked",
    "quotas.grant.written",
    "quotas.hold.reserved",
    "quotas.hold.written",
    "quotas.resolve.decided",
    "quotas.resolve.written",
)


def account_of(user: Any) -> Account:
    """The user's account, opened with the welcome credits on first sight."""
    account = Account.objects.filter(user=user).first()
    if account is None:
        with transaction.atomic():
            account, created = Account.objects.get_or_create(user=user)
            hit("quotas.account.opened")
            if created and settings.WELCOME_CREDITS:
                grant(account, settings.WELCOME_CREDITS, source=f"welcome:{user.pk}", note="welcome")
        account.refresh_from_db()
    return account


@transaction.atomic
def grant(account: Account, amount: int, *, source: str, note: str = "") -> bool:
    """Add credits once per `source`; False when that source was booked before.

    Concurrency: the unique key of the entry decides.
    """
    try:
        with transaction.atomic():
            _book(account, "grant", Book.GRANTED, Book.AVAILABLE, amount, source, note)
    except IntegrityError:
        if Entry.objects.filter(source=source, kind="grant").exists():
            return False
        raise
    hit("quotas.grant.booked")
    Account.objects.filter(pk=account.pk).update(balance=F("balance") + amount)
    hit("quotas.grant.written")
    return True


def hold_quota(user: Any, *, task: str, amount: int) -> Hold:
    """Reserve `amount` for `task`; a second call answers the first hold.

    Raises `QuotaExhausted`. Concurrency: the conditional update never lets a balance go below zero; of two calls
    for one task at once, the unique key lets one make the hold.
    """
    account = account_of(user)
    if existing := Hold.objects.filter(task=task).first():
        return existing
    try:
        return _hold(account, task, amount)
    except IntegrityError:
        if existing := Hold.objects.filter(task=task).first():
            return existing
        raise


def _hold(account: Account, task: str, amount: int) -> Hold:
    with transaction.atomic():
        if not Account.objects.filter(pk=account.pk, balance__gte=amount).update(
            balance=F("balance") - amount, held=F("held") + amount
        ):
            balance = Account.objects.values_list("balance", flat=True).get(pk=account.pk)
            raise QuotaExhausted(cost=amount, balance=balance, details={"cost": amount, "balance": balance})
        hit("quotas.hold.reserved")
        hold = Hold.objects.create(account=account, task=task, amount=amount)
        _book(account, "hold", Book.AVAILABLE, Book.HELD, amount, task)
        hit("quotas.hold.written")
        return hold


def commit_hold(task: str, amount: int) -> bool:
    """Charge `amount`, at most what is held; the rest goes back. False when the hold was resolved before."""
    return _resolve(task, Resolution.Kind.COMMIT, amount)


def release_hold(task: str) -> bool:
    """Give everything back. False when the hold was resolved before or there is none."""
    return _resolve(task, Resolution.Kind.RELEASE, 0)


def _resolve(task: str, kind: str, amount: int) -> bool:
    hold = Hold.objects.select_related("account").filter(task=task).first()
    if hold is None:
        return False
    charged = min(amount, hold.amount)
    try:
        with transaction.atomic():
            Resolution.objects.create(hold=hold, kind=kind, amount=charged, overrun=amount - charged)
            hit("quotas.resolve.decided")
            Account.objects.filter(pk=hold.account_id).update(
                held=F("held") - hold.amount, balance=F("balance") + hold.amount - charged
            )
            _book(hold.account, "commit", Book.HELD, Book.SPENT, charged, task)
            _book(hold.account, "release", Book.HELD, Book.AVAILABLE, hold.amount - charged, task)
            hit("quotas.resolve.written")
    except IntegrityError:
        if Resolution.objects.filter(hold=hold).exists():
            return False
        raise
    return True


def _book(  # noqa: PLR0917 - a line of a journal has that many columns
    account: Account, kind: str, debit: str, credit: str, amount: int, source: str, note: str = ""
) -> None:
    if amount:
        Entry.objects.create(
            account=account, kind=kind, debit=debit, credit=credit, amount=amount, source=source, note=note
        )


@dataclass(frozen=True)
class Difference:
    """A figure that does not follow from the ledger."""

    account: int
    what: str
    booked: int
    stored: int


def verify_ledger() -> list[Difference]:
    """Recompute every balance from the entries; what differs is returned."""
    sums: dict[tuple[int, str], int] = {}
    for side, sign in (("credit", 1), ("debit", -1)):
        for account, book, total in Entry.objects.values_list("account", side).annotate(total=Sum("amount")):
            sums[account, book] = sums.get((account, book), 0) + sign * total
    found: list[Difference] = []
    for pk, balance, held in Account.objects.values_list("pk", "balance", "held").iterator():
        for what, stored, book in (("balance", balance, Book.AVAILABLE), ("held", held, Book.HELD)):
            booked = sums.get((pk, book), 0)
            if booked != stored:
                found.append(Difference(pk, what, booked, stored))
    open_holds = Hold.objects.filter(resolution=None).values_list("account").annotate(total=Sum("amount"))
    open_by_account = dict(open_holds)
    resolved = Resolution.objects.values_list("hold__account").annotate(total=Sum("amount"))
    spent_by_account = dict(resolved)
    for pk, held in Account.objects.values_list("pk", "held").iterator():
        for what, booked, stored in (
            ("open holds", open_by_account.get(pk, 0), held),
            ("spent", sums.get((pk, Book.SPENT), 0), spent_by_account.get(pk, 0)),
        ):
            if booked != stored:
                found.append(Difference(pk, what, booked, stored))
    return found
