"""What the tests of providers share."""

from tests.core.conftest import no_redis

__all__ = ["no_redis"]
