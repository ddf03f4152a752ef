"""`If-None-Match` and `Accept-Encoding`, read as RFC 9110 says."""

import re
from functools import lru_cache

_TAG = re.compile(r'[\s,]*(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|$)')
_QUALITY = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


@lru_cache(maxsize=1024)
def tags_of(header: str) -> frozenset[str]:
    """The entity tags of `If-None-Match`, quoted, without `W/`: the comparison is the weak one (13.1.2).

    `*` is no tag and not among them. What is no tag ends the list: nothing after it is believed.
    """
    tags, at = [], 0
    while found := _TAG.match(header, at):
        tags.append(found[1])
        at = found.end()
        if at == len(header):
            break
    return frozenset(tags)


def is_any(header: str) -> bool:
    """Whether `If-None-Match` is `*`: any representation at all will do."""
    return header.strip() == "*"


@lru_cache(maxsize=256)
def takes_gzip(header: str) -> bool:
    """Whether `Accept-Encoding` allows gzip, and does not like the plain bytes better (12.5.3)."""
    weights = dict(_weights(header))
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _weights(header: str) -> list[tuple[str, float]]:
    """Each coding with its quality; one whose quality cannot be read is not wanted."""
    return [_weight(part) for part in header.lower().split(",") if part.strip()]


def _weight(part: str) -> tuple[str, float]:
    coding, _semicolon, parameter = (piece.strip() for piece in part.partition(";"))
    if not parameter:
        return coding, 1.0
    quality = _QUALITY.fullmatch(parameter.replace(" ", ""))
    return coding, float(quality[1]) if quality else 0.0
