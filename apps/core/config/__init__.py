"""Released configuration, read fast: `reader.get(scope, key)`."""

from apps.core.config.person import NOBODY, Person
from apps.core.config.reader import NotReleased, Payload, reader

__all__ = ["NOBODY", "NotReleased", "Payload", "Person", "reader"]
