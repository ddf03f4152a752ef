"""Requests to model servers on a busy event loop: HTTP/1.1 straight on asyncio's transports, guarded as `core.http` is.

A request costs a third of what the client library takes for it. Everything else goes through `core.http`.
"""

from apps.core.http_wire.answer import Answer
from apps.core.http_wire.errors import AnswerCut, AnswerMalformed, NameUnknown, ServerUnreachable
from apps.core.http_wire.pool import Pool, get, post

__all__ = ["Answer", "AnswerCut", "AnswerMalformed", "NameUnknown", "Pool", "ServerUnreachable", "get", "post"]
