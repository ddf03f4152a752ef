"""Released configuration: immutable snapshots, and the heads that say which of them is live."""

import json
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Snapshot(models.Model):
    """One row is one released version of one thing. Rows are appended, never changed."""

    scope = models.CharField(max_length=32)
    key = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    # Canonical JSON as text: MySQL's JSON type reorders keys, and these bytes are what was hashed.
    body = models.TextField()
    sha256 = models.CharField(max_length=64)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
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
    """One row is the live version of one thing."""

    scope = models.CharField(max_length=32)
    key = models.CharField(max_length=64)
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField()
    revision = models.PositiveBigIntegerField(db_index=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="head_once")]

    def __str__(self) -> str:
        return f"{self.scope}/{self.key} -> v{self.version}"


class Revision(models.Model):
    """The single row that counts every change of any head."""

    SINGLE = 1
    value = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.value)
