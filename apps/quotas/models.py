"""Credits: accounts, holds and the ledger. Integers only; 1 credit = 0.01 CNY."""

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords


class UserBudget(models.Model):
    """One row is what one person may spend on models, in the place of what the setting gives to everybody."""

    class Period(models.TextChoices):
        TOTAL = "total", _("in all")
        DAY = "day", _("a day")
        MONTH = "month", _("a month")

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="model_budget", verbose_name=_("user")
    )
    credits = models.BigIntegerField(
        _("credits"), null=True, blank=True, validators=[MinValueValidator(0)], help_text=_("Empty: no limit.")
    )
    period = models.CharField(_("for"), max_length=8, choices=Period.choices, default=Period.MONTH)
    history = HistoricalRecords(cascade_delete_history=False)

    class Meta:
        verbose_name = _("budget for models")
        verbose_name_plural = _("budgets for models")

    def __str__(self) -> str:
        return f"{self.user}: {self.credits}"


class Book(models.TextChoices):
    """Where credits can stand. An entry moves them from one book to another, so every entry balances."""

    GRANTED = "granted", _("granted")
    AVAILABLE = "available", _("available")
    HELD = "held", _("held")
    SPENT = "spent", _("spent")


class Account(models.Model):
    """One row is one user's credits; `balance` and `held` are what the ledger sums to."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="quota_account")
    balance = models.BigIntegerField(_("balance"), default=0)
    held = models.BigIntegerField(_("held"), default=0)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            models.CheckConstraint(condition=Q(balance__gte=0), name="account_balance_not_negative"),
            models.CheckConstraint(condition=Q(held__gte=0), name="account_held_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.balance}"


class Hold(models.Model):
    """One row reserves credits for one task. The task is a plain key: tasks are a layer above."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="holds")
    task = models.CharField(max_length=40, unique=True)
    amount = models.BigIntegerField(_("amount"))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        constraints = [models.CheckConstraint(condition=Q(amount__gte=0), name="hold_amount_not_negative")]

    def __str__(self) -> str:
        return f"{self.task}: {self.amount}"


class Resolution(models.Model):
    """One row ends a hold. The unique key on the hold is what makes that happen once."""

    class Kind(models.TextChoices):
        COMMIT = "commit", _("charged")
        RELEASE = "release", _("given back")

    hold = models.OneToOneField(Hold, on_delete=models.PROTECT, related_name="resolution")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    amount = models.BigIntegerField(_("charged"))
    overrun = models.BigIntegerField(_("used above the hold"), default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount__gte=0), name="resolution_amount_not_negative")]

    def __str__(self) -> str:
        return f"{self.hold_id}: {self.kind} {self.amount}"


class Entry(models.Model):
    """One row of the ledger: `amount` moved from one book of the account to another. Never changed."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=16)
    debit = models.CharField(max_length=10, choices=Book.choices)
    credit = models.CharField(max_length=10, choices=Book.choices)
    amount = models.BigIntegerField()
    source = models.CharField(max_length=64)
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        constraints = [
            models.UniqueConstraint(fields=["source", "kind"], name="entry_source_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="entry_amount_positive"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="entry_moves"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"
