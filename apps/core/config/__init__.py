"""Released configuration, read fast: `config.get(scope, key)`."""

from apps.core.config.reader import NotReleased, Payload, reader

__all__ = ["NotReleased", "Payload", "reader"]
