"""What the views read of a request's body."""

from typing import Any

from rest_framework.request import Request

from apps.core.errors import BodyTooLarge, InvalidRequest
from apps.pipelines.errors import BodyNoObject

MAX_BYTES = 2_500_000  # a graph of two million, and what stands round it


def object_of(request: Request) -> dict[str, Any]:
    """The body. Raises `InvalidRequest` when it is no object or no JSON, `BodyTooLarge`."""
    body = _read(request)
    if not isinstance(body, dict):
        raise InvalidRequest()
    return body


def graph_of(request: Request) -> dict[str, Any]:
    """The body of a question about a graph. Raises `BodyNoObject`, `InvalidRequest` or `BodyTooLarge`."""
    body = _read(request)
    if not isinstance(body, dict):
        raise BodyNoObject()
    return body


def _read(request: Request) -> Any:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > MAX_BYTES:
        raise BodyTooLarge()
    try:
        return request.data
    except RecursionError as exc:  # brackets without end: the decoder gives up
        raise InvalidRequest() from exc
