"""The read cache for everything that is not released configuration: people, keys, statistics.

    get_or_set("features:live-since:42", load, ttl=60)
    forget("user:7")

Values are JSON and lie in Redis as they are: nothing secret belongs here. Take what is returned as read-only.
"""

from apps.core.cache.read_cache import ReadCache, cache

__all__ = ["ReadCache", "aget_or_set", "cache", "forget", "get_or_set"]

get_or_set = cache.get_or_set
aget_or_set = cache.aget_or_set
forget = cache.forget
