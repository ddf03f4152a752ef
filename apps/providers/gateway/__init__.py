"""Ask a model: choose a route, fail over while nothing was said, keep the caps, tell who answered."""

from apps.providers.gateway.asking import Ask, Caller
from apps.providers.gateway.calls import Call
from apps.providers.gateway.chat import chat
from apps.providers.gateway.stream import Streamed, stream

__all__ = ["Ask", "Call", "Caller", "Streamed", "chat", "stream"]
