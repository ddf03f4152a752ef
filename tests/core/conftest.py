"""What the tests of core share."""

from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from apps.core import redis
from tests.core.builders import free_port


@pytest.fixture
def no_redis(settings: LazySettings) -> Iterator[None]:
    """This process's client finds nobody at Redis's address."""
    there = settings.REDIS_URL
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    redis.client.cache_clear()
    yield
    settings.REDIS_URL = there
    redis.client.cache_clear()
