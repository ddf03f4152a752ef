"""The one folder this server may touch, and the `file://` addresses into it."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

from apps.mcp.image_tools.errors import ImageToolError

# Larger than any picture of 64 megapixels in the three formats is likely to be.
LARGEST_FILE = 128 * 1024 * 1024


class Workspace:
    """Files below `root`; nothing outside can be named, whatever the address looks like."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root, strict=True))
        if not self.root.is_dir():
            raise NotADirectoryError(str(root))

    def read(self, uri: str) -> bytes:
        """The bytes of a file in the folder.

        Raises: ImageToolError when the address is not a plain file below the root, or too large.
        """
        path = self.locate(uri)
        try:
            # The path was resolved; should its last part turn into a link since, opening it fails.
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise ImageToolError("The picture could not be opened. Upload it again.") from error
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ImageToolError("The address does not name a file.")
            if status.st_size > LARGEST_FILE:
                raise ImageToolError("The file is too large: at most 128 MB can be worked on.")
            return file.read()

    def locate(self, uri: str) -> Path:
        """The real path behind a `file://` address."""
        parts = urlsplit(uri)
        if parts.scheme != "file" or parts.netloc not in {"", "localhost"} or parts.query or parts.fragment:
            raise ImageToolError("A picture is named by a file:// address in the server's folder.")
        named = unquote(parts.path)
        if "\0" in named or ".." in named.split("/"):
            raise ImageToolError("The address is not a plain path.")
        try:
            path = Path(os.path.realpath(named, strict=True))
        except OSError as error:
            raise ImageToolError("There is no picture at this address. It may have expired.") from error
        if not path.is_relative_to(self.root) or path == self.root:
            raise ImageToolError("The address lies outside the server's folder.")
        return path

    def write(self, content: bytes, suffix: str) -> str:
        """Store a new file under a random name; returns its address."""
        path = self.root / f"{secrets.token_hex(16)}{suffix}"
        try:
            with path.open("xb") as file:
                file.write(content)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path.as_uri()
