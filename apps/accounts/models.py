"""People and their sign-ins."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import AbstractUser, Group
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermission, UserObjectPermission
from simple_history import register

from apps.accounts.history import AUDITED, KEPT, NOT_AUDITED, RightsHistory
from apps.core.lane.identity import KeyGrant


class UserManager(DjangoUserManager["User"]):
    """Stores "no e-mail" as NULL, so that the unique index lets many users have none."""

    def _create_user(self, username: str, email: str | None, password: str | None, **extra: Any) -> User:
        return super()._create_user(username, email or None, password, **extra)  # type: ignore[misc,no-any-return]  # not in the stubs

    def get_by_natural_key(self, username: str | None) -> User:
        """Exactly this user name: MySQL's usual collations would also find "Alice" for "alice", SQLite does not."""
        found = super().get_by_natural_key(username)
        if found.username != username:
            raise self.model.DoesNotExist
        return found


class User(AbstractUser):
    """One row is one person."""

    email = models.EmailField(_("e-mail address"), unique=True, null=True, blank=True)  # type: ignore[assignment]  # nullable, so that it can be unique
    phone = models.CharField(_("phone"), max_length=20, unique=True, null=True, blank=True)
    must_change_password = models.BooleanField(_("must change the password"), default=False)
    # Grows whenever every token of the user has to stop working (password change, sign-out everywhere).
    token_epoch = models.PositiveIntegerField(default=0, editable=False)
    history = RightsHistory(excluded_fields=NOT_AUDITED, m2m_fields=["groups", "user_permissions"], **KEPT)

    # The key that this person came with, when it was one; no field.
    key_grant: KeyGrant | None = None

    objects = UserManager()  # type: ignore[misc]  # the stubs call it a class variable

    class Meta(AbstractUser.Meta):
        verbose_name = _("user")  # type: ignore[assignment]  # lazy texts are what Django wants here
        verbose_name_plural = _("users")  # type: ignore[assignment]

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = self.email or None
        self.phone = self.phone or None
        if (fields := kwargs.get("update_fields")) is not None and not AUDITED & set(fields):
            self._save_quietly(*args, **kwargs)
        else:
            super().save(*args, **kwargs)

    def _save_quietly(self, *args: Any, **kwargs: Any) -> None:
        """A sign-in or a renewed hash changes nobody's rights: no history row."""
        self.skip_history_when_saving = True
        try:
            super().save(*args, **kwargs)
        finally:
            del self.skip_history_when_saving

    def set_password(self, raw_password: str | None) -> None:
        """A new password ends the old tokens and the duty to change it."""
        super().set_password(raw_password)
        self.must_change_password = False
        self.token_epoch = (self.token_epoch or 0) + 1

    def check_password(self, raw_password: str | None) -> bool:
        """As Django's; but to store the same password under a newer hash is no new password."""

        def renew(same_password: str | None) -> None:
            self.password = make_password(same_password)
            self.save(update_fields=["password"])

        return check_password(raw_password, self.password, renew)

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """As Django's; through a key that is not for the administration nobody has any."""
        return not self.is_limited and super().has_perm(perm, obj)

    def has_module_perms(self, app_label: str) -> bool:
        """Likewise."""
        return not self.is_limited and super().has_module_perms(app_label)

    def allows_feature(self, key: str) -> bool:
        """Whether the key that the person came with, if any, may use the feature."""
        return self.key_grant is None or self.key_grant.allows_feature(key)

    @property
    def is_limited(self) -> bool:
        """Whether the person came with a key that is not for the administration."""
        return self.key_grant is not None and not self.key_grant.admin

    @property
    def name(self) -> str:
        """What to call the person."""
        return self.get_full_name() or self.username

    @property
    def role_names(self) -> frozenset[str]:
        """The names of the user's roles; a superuser has all of them."""
        from apps.accounts.roles import Role

        if self.is_superuser:
            return frozenset(Role)
        return frozenset(self.groups.values_list("name", flat=True))


class RefreshToken(models.Model):
    """One row is one refresh token, by its hash. A family is one sign-in; a token is spent once."""

    token_hash = models.CharField(max_length=64, unique=True)
    family = models.UUIDField(default=uuid.uuid4, db_index=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="refresh_tokens")
    epoch = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.user_id}/{self.family}"


class ApiKey(models.Model):
    """One row is one API key, by its hash: nobody can read it here. What it may do is that of its owner, or less."""

    class Period(models.TextChoices):
        TOTAL = "total", _("in all")
        DAY = "day", _("a day")
        MONTH = "month", _("a month")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys", verbose_name=_("owner"))
    name = models.CharField(_("name"), max_length=80)
    prefix = models.CharField(max_length=8, editable=False)
    last4 = models.CharField(max_length=4, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(_("scopes"), default=dict)
    budget = models.BigIntegerField(
        _("budget (credits)"), null=True, blank=True, validators=[MinValueValidator(0)], help_text=_("Empty: no limit.")
    )
    budget_period = models.CharField(_("for"), max_length=8, choices=Period.choices, default=Period.TOTAL)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+", editable=False)
    history = RightsHistory(excluded_fields=["digest", "last_used_at"], **KEPT)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["user", "-created_at"], name="api_key_of_user")]

    def __str__(self) -> str:
        return f"{self.name} ({self.masked})"

    @property
    def masked(self) -> str:
        """How it is told from others."""
        return f"{self.prefix}…{self.last4}"

    def state(self, now: datetime) -> str:
        """`revoked`, `expired` or `active`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"


# Their models are not ours, their history is: what a group may do, and who was granted what on which single row.
register(Group, app="apps.accounts", records_class=RightsHistory, m2m_fields=["permissions"], **KEPT)
register(UserObjectPermission, app="apps.accounts", records_class=RightsHistory, **KEPT)
register(GroupObjectPermission, app="apps.accounts", records_class=RightsHistory, **KEPT)
