"""Released configuration: immutable snapshots, heads that say what is live, the log of every change, and plans."""

import json
from typing import Any, Final

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


def _person(**kwargs: Any) -> "models.ForeignKey[Any, Any]":
    """Who did it; the row outlives the person."""
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", **kwargs
    )


class Snapshot(models.Model):
    """One row is one released version of one thing. Rows are appended, never changed."""

    scope = models.CharField(max_length=32)
    key = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    # Canonical JSON as text: MySQL's JSON type reorders keys, and these bytes are what was hashed.
    body = models.TextField()
    sha256 = models.CharField(max_length=64)
    author = _person()
    note = models.CharField(max_length=500, blank=True)
    restored_from = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("released version")
        verbose_name_plural = _("released versions")
        constraints = [models.UniqueConstraint(fields=["scope", "key", "version"], name="snapshot_version_once")]
        ordering = ["scope", "key", "-version"]

    def __str__(self) -> str:
        return f"{self.scope}/{self.key} v{self.version}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk:
            raise TypeError("a snapshot is append-only")
        super().save(*args, **kwargs)

    @property
    def payload(self) -> dict[str, Any]:
        """The released content, as a fresh object."""
        content: dict[str, Any] = json.loads(self.body)
        return content


class Head(models.Model):
    """One row is what is live of one thing: a stable version for everybody, and perhaps a candidate for some.

    No snapshot and version 0: nothing is live for everybody, because it was withdrawn or only a candidate is out.
    """

    scope = models.CharField(max_length=32)
    key = models.CharField(max_length=64)
    snapshot = models.ForeignKey(Snapshot, null=True, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=0)
    candidate = models.ForeignKey(Snapshot, null=True, on_delete=models.PROTECT, related_name="+")
    rollout_percent = models.PositiveSmallIntegerField(default=0)
    rollout_roles = models.JSONField(default=list)
    # Percentage points by which the candidate's share of failed runs may exceed the stable one's; NULL: no watch.
    rollout_margin = models.PositiveSmallIntegerField(null=True)
    rollout_started_at = models.DateTimeField(null=True)
    revision = models.PositiveBigIntegerField(db_index=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "key"], name="head_once"),
            models.CheckConstraint(condition=models.Q(rollout_percent__lte=100), name="head_percent_at_most_100"),
        ]

    def __str__(self) -> str:
        return f"{self.scope}/{self.key} -> v{self.version}"


class Release(models.Model):
    """One row is one change of a head: who, when, why, from what, to what. Append-only."""

    class Action(models.TextChoices):
        PUBLISH = "publish", _("published")
        ROLLBACK = "rollback", _("rolled back")
        WITHDRAW = "withdraw", _("withdrawn")
        ROLLOUT_START = "rollout_start", _("gradual release started")
        ROLLOUT_CHANGE = "rollout_change", _("gradual release changed")
        PROMOTE = "promote", _("gradual release finished")
        ROLLOUT_STOP = "rollout_stop", _("gradual release stopped")
        AUTO_STOP = "auto_stop", _("gradual release stopped by itself")

    scope = models.CharField(max_length=32)
    key = models.CharField(max_length=64)
    action = models.CharField(max_length=20, choices=Action.choices)
    from_version = models.PositiveIntegerField()  # live for everybody before; 0: nothing
    to_version = models.PositiveIntegerField()  # and after
    candidate_version = models.PositiveIntegerField(default=0)
    details = models.JSONField(default=dict)
    revision = models.PositiveBigIntegerField(unique=True)
    by = _person()
    note = models.CharField(max_length=500, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        indexes = [models.Index(fields=["scope", "key", "-revision"], name="release_of_key")]
        ordering = ["-revision"]

    def __str__(self) -> str:
        return f"{self.scope}/{self.key} {self.action} v{self.from_version} -> v{self.to_version}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk:
            raise TypeError("the log of releases is append-only")
        super().save(*args, **kwargs)


class Plan(models.Model):
    """One row is a release that waits: for its time, for a second person, or for both. Its content is frozen."""

    class Action(models.TextChoices):
        PUBLISH = "publish", _("publish")
        ROLLOUT = "rollout", _("start a gradual release")
        WITHDRAW = "withdraw", _("withdraw")

    class Status(models.TextChoices):
        WAITING = "waiting", _("waits for approval")
        SCHEDULED = "scheduled", _("waits for its time")
        DONE = "done", _("done")
        REJECTED = "rejected", _("rejected")
        CANCELLED = "cancelled", _("cancelled")
        FAILED = "failed", _("failed")

    scope = models.CharField(max_length=32)
    key = models.CharField(max_length=64)
    action = models.CharField(max_length=20, choices=Action.choices)
    status = models.CharField(max_length=20, choices=Status.choices)
    body = models.TextField(blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    options = models.JSONField(default=dict)
    based_on = models.PositiveIntegerField()  # the live version when this was planned; 0: none
    due_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True)
    requested_by = _person()
    requested_at = models.DateTimeField(auto_now_add=True)
    approved_by = _person()
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_note = models.CharField(max_length=500, blank=True)
    problem = models.JSONField(null=True, blank=True)  # why it failed, as an error
    result_version = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("planned release")
        verbose_name_plural = _("planned releases")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(approved_by__isnull=True) | ~models.Q(approved_by=models.F("requested_by")),
                name="plan_approved_by_another",
            )
        ]
        indexes = [
            models.Index(fields=["status", "due_at"], name="plan_due"),
            models.Index(fields=["scope", "key", "status"], name="plan_of_key"),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.action} {self.scope}/{self.key} ({self.status})"

    @property
    def payload(self) -> dict[str, Any]:
        """The frozen content, as a fresh object."""
        content: dict[str, Any] = json.loads(self.body) if self.body else {}
        return content


PLAN_TRANSITIONS: Final = {
    "waiting": frozenset({"scheduled", "done", "rejected", "cancelled", "failed"}),
    "scheduled": frozenset({"done", "cancelled", "failed"}),
    "done": frozenset[str](),
    "rejected": frozenset[str](),
    "cancelled": frozenset[str](),
    "failed": frozenset[str](),
}


class Revision(models.Model):
    """The single row that counts every change of any head."""

    SINGLE = 1
    value = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.value)
