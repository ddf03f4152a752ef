"""Bodies that were packed for the way (RFC 9110, 8.4): gzip and deflate, a bounded piece at a time."""

import zlib

PIECE = 1024 * 1024  # bytes unpacked at once, so that a small answer does not become a huge one before anybody looks

_GZIP = zlib.MAX_WBITS | 16
KNOWN = frozenset({"gzip", "x-gzip", "deflate"})


class Unpacker:
    """For one body."""

    __slots__ = ("_inside", "_is_gzip")

    def __init__(self, coding: str) -> None:
        self._is_gzip = coding != "deflate"
        self._inside = zlib.decompressobj(_GZIP) if self._is_gzip else None

    @property
    def is_over(self) -> bool:
        """Whether what came is a whole packed body."""
        return self._inside is not None and self._inside.eof

    def take(self, packed: bytes) -> tuple[bytes, bytes]:
        """What `packed` holds, and the rest of it for the next time. Raises `zlib.error`."""
        if self._inside is None:  # deflate means zlib's format; some servers send it bare
            has_header = packed[0] & 0x0F == zlib.DEFLATED
            self._inside = zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)
        if self._inside.eof:
            raise zlib.error("bytes after the end")
        found = self._inside.decompress(packed, PIECE)
        return found, self._inside.unconsumed_tail or self._inside.unused_data
