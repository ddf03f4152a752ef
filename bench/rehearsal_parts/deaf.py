"""The product with every message of the read cache lost: what is forgotten elsewhere is found only by looking."""

from apps.core.cache import cache


def _lost(_data: str) -> None:
    """Nothing was heard."""


from config.asgi import application  # noqa: E402 - it sets Django up

cache.news.hear = _lost  # type: ignore[method-assign,assignment]  # as if pub/sub had dropped it

__all__ = ["application"]
