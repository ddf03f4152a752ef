"""The JSON body of a request to the hot lane."""

from typing import Any

import msgspec
from django.utils.translation import gettext
from starlette.requests import Request

from apps.core.errors import BodyTooLarge, InvalidRequest, UnsupportedMedia

LARGEST = 64 * 1024  # bytes; what most routes take are questions, not content


async def read_json(request: Request, *, largest: int = LARGEST) -> Any:
    """The decoded body of at most `largest` bytes. Raises `UnsupportedMedia`, `BodyTooLarge` or `InvalidRequest`."""
    media, _semicolon, _parameters = request.headers.get("content-type", "").partition(";")
    if media.strip().lower() != "application/json":
        raise UnsupportedMedia()
    try:
        return msgspec.json.decode(await _limited(request, largest))
    except (msgspec.DecodeError, RecursionError) as exc:
        words = gettext("The body is not valid JSON.")
        raise InvalidRequest(details={"errors": [{"pointer": "", "code": "json", "message": words}]}) from exc


async def _limited(request: Request, largest: int) -> bytes:
    """What was said of the length is believed only when it is too much."""
    said = request.headers.get("content-length", "")
    if said.isascii() and said.isdigit() and int(said[:20]) > largest:
        raise BodyTooLarge()
    taken = bytearray()
    async for chunk in request.stream():
        taken += chunk
        if len(taken) > largest:
            raise BodyTooLarge()
    return bytes(taken)
