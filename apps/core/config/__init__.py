"""Released configuration, read fast: `reader.get(scope, key)`."""

from apps.core.config.payloads import NotReleased, Payload, SnapshotRefused
from apps.core.config.person import NOBODY, Person
from apps.core.config.reader import reader

__all__ = ["NOBODY", "NotReleased", "Payload", "Person", "SnapshotRefused", "reader"]
