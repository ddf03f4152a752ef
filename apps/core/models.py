"""Core's tables, kept beside the subject they belong to."""

from apps.core.outbox.models import OutboxMessage
from apps.core.publishing.models import Head, Plan, Release, Revision, Snapshot
from apps.core.storage.models import StoredFile

__all__ = ["Head", "OutboxMessage", "Plan", "Release", "Revision", "Snapshot", "StoredFile"]
