"""Words, parts and images out of a chat in OpenAI's shape."""

import asyncio
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from django.utils.translation import gettext

from apps.core.errors import InvalidRequest
from apps.core.http import check_refused, session
from apps.providers.errors import NotSupported
from apps.providers.types import Candidate, Message

MAX_IMAGE: Final = 10 * 1024 * 1024  # bytes
FETCH_SECONDS: Final = 10.0
IMAGE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
_DATA_URL: Final = re.compile(r"data:(image/[a-z+.-]+);base64,", re.IGNORECASE)
_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


@dataclass(frozen=True, slots=True)
class Text:
    """A part that is text, never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """A part that is an image, in base64, of a type that was checked."""

    media_type: str
    data: str


@dataclass(frozen=True, slots=True)
class Link:
    """A part that is an image to be fetched from `url`."""

    url: str
    pointer: str


Part = Text | Image | Link


def text_of(message: Message) -> str:
    """The text of a message; images and other parts are left out."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict) and "text" in part)


def text_of_all(messages: Iterable[Message]) -> str:
    """The texts of a chat, one below the other."""
    return "\n".join(text_of(message) for message in messages)


def invalid(pointer: str, words: str) -> InvalidRequest:
    """What the caller has to mend, and where."""
    return InvalidRequest(details={"errors": [{"pointer": pointer, "code": "invalid", "message": words}]})


def not_supported(candidate: Candidate, what: str, pointer: str = "") -> NotSupported:
    """What `candidate`'s vendor has no counterpart for, and where it stands in the request."""
    where = pointer or f"/{what}"
    words = gettext("This model service does not support it.")
    details = {"errors": [{"pointer": where, "code": "not_supported", "message": words}]}
    return NotSupported(endpoint=candidate.endpoint, what=what, details=details)


def parts_of(message: Message, candidate: Candidate, pointer: str) -> list[Part]:
    """The parts of a message, checked. `pointer` is where it stands in the request.

    Raises `NotSupported` for a part that is neither text nor image, `InvalidRequest` for one that is broken.
    """
    content = message.get("content")
    if isinstance(content, str):
        return [Text(content)] if content else []
    found: list[Part] = []
    for index, part in enumerate(content if isinstance(content, list) else ()):
        where = f"{pointer}/content/{index}"
        kind = part.get("type") if isinstance(part, dict) else None
        if kind in {"text", "refusal"}:
            if text := part.get(kind):
                found.append(Text(_text(text, where)))
        elif kind == "image_url":
            found.append(_image(part.get("image_url"), f"{where}/image_url"))
        else:
            raise not_supported(candidate, kind if isinstance(kind, str) else "content", where)
    return found


def check_images(messages: Sequence[Message], candidate: Candidate) -> None:
    """Raises as `parts_of` does, for any of `messages`; plain texts cost nothing."""
    for index, message in enumerate(messages):
        if isinstance(message.get("content"), list):
            parts_of(message, candidate, f"/messages/{index}")


def _text(value: Any, pointer: str) -> str:
    if not isinstance(value, str):
        raise invalid(pointer, gettext("This has to be a text."))
    return value


def _image(given: Any, pointer: str) -> Image | Link:
    url = given.get("url") if isinstance(given, dict) else given
    if not isinstance(url, str):
        raise invalid(pointer, gettext("This has to be the address of an image."))
    if url.startswith(("https://", "http://")):
        return Link(url, pointer)
    head = _DATA_URL.match(url[:64])
    if head is None:
        raise invalid(pointer, gettext("This has to be an https address or an image as a data URL in base64."))
    data = url[head.end() :]
    if len(data) > MAX_IMAGE * 4 // 3 + 4:
        raise invalid(pointer, _too_large())
    try:
        raw = binascii.a2b_base64(data, strict_mode=True)
    except (binascii.Error, ValueError) as exc:
        raise invalid(pointer, gettext("This is not base64.")) from exc
    return Image(_checked_type(raw, pointer, IMAGE_TYPES), data)


def _checked_type(raw: bytes, pointer: str, allowed: frozenset[str]) -> str:
    """What the image really is, whatever it is called."""
    found = next((name for magic, name in _MAGIC if raw.startswith(magic)), "")
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        found = "image/webp"
    if found not in allowed:
        names = ", ".join(sorted(name.removeprefix("image/").upper() for name in allowed))
        raise invalid(pointer, gettext("This is no image of these types: %(names)s.") % {"names": names})
    return found


def _too_large() -> str:
    return gettext("The image is larger than %(size)s MB.") % {"size": MAX_IMAGE // 1024**2}


async def fetched(link: Link) -> Image:
    """The image behind `link`, through the guarded client, without redirects.

    Raises `InvalidRequest` for what is no image or cannot be had, `AddressRefused` for an inside address.
    """
    timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
    raw = bytearray()
    try:
        async with session().get(link.url, timeout=timeout, allow_redirects=False) as response:
            if response.status != 200:
                raise invalid(link.pointer, gettext("The image could not be fetched."))
            async for chunk in response.content.iter_any():
                raw += chunk
                if len(raw) > MAX_IMAGE:
                    raise invalid(link.pointer, _too_large())
    except (aiohttp.ClientError, TimeoutError, ConnectionError, ValueError) as exc:
        if isinstance(exc, aiohttp.InvalidURL):
            check_refused(exc)
        raise invalid(link.pointer, gettext("The image could not be fetched.")) from exc
    media_type = _checked_type(bytes(raw[:16]), link.pointer, IMAGE_TYPES)
    return Image(media_type, binascii.b2a_base64(raw, newline=False).decode())


async def local(parts: Sequence[Part]) -> list[Text | Image]:
    """`parts` with every link replaced by the image behind it."""
    waiting = [fetched(part) for part in parts if isinstance(part, Link)]
    images = iter(await asyncio.gather(*waiting))
    return [next(images) if isinstance(part, Link) else part for part in parts]
