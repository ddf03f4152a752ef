"""What went wrong at an upstream, told apart: statuses, the client library's exceptions, the upstream's own words."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from itertools import groupby
from operator import itemgetter
from time import time
from typing import Any

import aiohttp
import msgspec

from apps.core.errors import ApiError
from apps.core.http import check_refused
from apps.providers.errors import (
    ModelVanished,
    UpstreamBusy,
    UpstreamError,
    UpstreamFailed,
    UpstreamKeyRefused,
    UpstreamRefused,
    UpstreamTimeout,
)
from apps.providers.types import Candidate

MAX_RETRY_AFTER = 600  # seconds; nobody is left alone for longer because of one header
LONGEST_WORDS = 300  # characters of an upstream that are repeated
FRAGMENT = 8  # characters; so many of a key in a row are never repeated

_BY_STATUS: dict[int, type[UpstreamError]] = {
    401: UpstreamKeyRefused,
    402: UpstreamKeyRefused,  # the account has no credit left; another endpoint may
    403: UpstreamKeyRefused,
    404: ModelVanished,
    408: UpstreamTimeout,
    429: UpstreamBusy,
    529: UpstreamBusy,  # Anthropic's "overloaded"
}


def failure_of(
    status: int, what: str, candidate: Candidate, *, details: Mapping[str, Any] | None = None
) -> UpstreamError:
    """The error that an upstream's `status` means, be it of its answer or named within a stream."""
    refused = UpstreamRefused if 400 <= status < 500 else UpstreamFailed
    return _BY_STATUS.get(status, refused)(endpoint=candidate.endpoint, what=what, details=details)


def refusal(status: int, raw: bytes, headers: Mapping[str, str], candidate: Candidate) -> UpstreamError:
    """The error that an answer other than success means; `raw` is its beginning, names of `headers` in lower case."""
    found = _decoded(raw)
    if status == 400 and b"API_KEY_INVALID" in raw:  # Google's way to say 401
        status = 401
    details = _retry_after(headers.get("retry-after", "")) or _retry_info(found)
    return failure_of(status, _words(found, status), candidate, details=details)


def words_of(raw: bytes, status: int) -> str:
    """The upstream's own words, else its status."""
    return _words(_decoded(raw), status)


def words_in(error: Any, otherwise: str = "malformed answer") -> str:
    """The words of an error object: a text, or whatever it has for a message."""
    words = error.get("message") or error.get("type") if isinstance(error, dict) else error
    return words if isinstance(words, str) and words else otherwise


def _decoded(raw: bytes) -> Any:
    try:
        found = msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return None
    return found[0] if isinstance(found, list) and found else found  # Google wraps errors of streams in a list


def _words(found: Any, status: int) -> str:
    """OpenAI, Anthropic and Google have `error`, others `message` or `detail`."""
    for name in ("error", "message", "detail", "errorText"):
        if isinstance(found, dict) and found.get(name):
            return words_in(found[name], f"HTTP {status}")
    return f"HTTP {status}"


def _retry_after(header: str) -> dict[str, int]:
    """Seconds or a date (RFC 9110, 10.2.3); nothing for what is neither."""
    try:
        seconds = float(header) if header[:1].isdigit() else parsedate_to_datetime(header).timestamp() - time()
    except (ValueError, TypeError, OverflowError):
        return {}
    return {"retryAfter": max(1, min(int(seconds), MAX_RETRY_AFTER))} if seconds < float("inf") else {}


def _retry_info(found: Any) -> dict[str, int]:
    """Google's `RetryInfo`: {"retryDelay": "17s"} among the details of an error."""
    error = found.get("error") if isinstance(found, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, str):
            return _retry_after(delay.rstrip("s"))
    return {}


@contextmanager
def failures_named(candidate: Candidate, secret: str | None) -> Iterator[None]:
    """What the client library raises, as our own errors; a key that the upstream repeats is taken out."""
    try:
        yield
    except UpstreamError as exc:
        what = str(exc.params.get("what", ""))
        told = masked(what, secret)[:LONGEST_WORDS]
        if told != what:
            raise type(exc)(details=exc.details, endpoint=candidate.endpoint, what=told) from None
        raise
    except (ApiError, asyncio.CancelledError):
        raise
    except TimeoutError as exc:
        raise UpstreamTimeout(endpoint=candidate.endpoint) from exc
    except aiohttp.InvalidURL as exc:
        check_refused(exc)
        raise UpstreamFailed(endpoint=candidate.endpoint, what=type(exc).__name__) from exc
    except ConnectionError as exc:
        raise UpstreamFailed(endpoint=candidate.endpoint, what=type(exc).__name__) from exc
    except ValueError as exc:
        # An address that is none, a header that cannot be sent, bytes that do not decompress.
        raise UpstreamFailed(endpoint=candidate.endpoint, what=type(exc).__name__) from exc


def masked(words: str, secret: str | None) -> str:
    """`words` without the key, and without any piece of it that would be worth having."""
    if not secret:
        return words
    length = min(FRAGMENT, len(secret))
    windows = {secret[start : start + length] for start in range(len(secret) - length + 1)}
    hidden = [False] * len(words)
    for start in range(len(words) - length + 1):
        if words[start : start + length] in windows:
            hidden[start : start + length] = [True] * length
    runs = groupby(zip(hidden, words, strict=True), key=itemgetter(0))
    return "".join("…" if is_hidden else "".join(letter for _, letter in run) for is_hidden, run in runs)


class shaped:  # noqa: N801
    """Around code that takes an upstream's answer apart: what is not where it belongs is a malformed answer.

    A class, because it stands round every event of a stream and a generator costs a microsecond each time.
    """

    __slots__ = ("_candidate",)

    def __init__(self, candidate: Candidate) -> None:
        self._candidate = candidate

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, LookupError | AttributeError | TypeError | ValueError | RecursionError):
            raise UpstreamFailed(endpoint=self._candidate.endpoint, what="malformed answer") from error
