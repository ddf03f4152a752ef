"""Pictures that come inside a request, as `data:` URLs in fields that take a file."""

import base64
import binascii
import io
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

from apps.core.errors import ApiError
from apps.core.form_input import file_fields
from apps.core.storage import services as storage
from apps.core.storage.errors import UploadTooLarge
from apps.core.storage.models import StoredFile
from apps.tasks.errors import InputInvalid

PREFIX = "data:"
MEGA = 1024 * 1024


class Uploads:
    """Files that were taken in for one run. Leave the block with an error, and they are dropped again."""

    def __init__(self, owner: Any) -> None:
        self._owner = owner
        self._kept: list[StoredFile] = []

    def __enter__(self) -> "Uploads":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_more: object) -> None:
        for stored in self._kept if kind else ():
            storage.drop(stored)

    def taken(self, schema: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """`given` with the id of a stored file for each `data:` URL. Blocks. Raises `InputInvalid` with pointers."""
        found, problems = dict(given), []
        for name in file_fields(schema):
            value = found.get(name)
            if not isinstance(value, str) or not value.startswith(PREFIX):
                continue
            try:
                found[name] = self._take(name, value)
            except ApiError as exc:
                problems.append({"pointer": f"/{name}", "code": exc.code, "message": exc.text()})
        if problems:
            raise InputInvalid(details={"errors": problems})
        return found

    def _take(self, name: str, url: str) -> str:
        stored = storage.accept_image(io.BytesIO(_decoded(name, url)), name=name, owner=self._owner)
        self._kept.append(stored)
        return str(stored.pk)


def _decoded(name: str, url: str) -> bytes:
    head, comma, body = url.partition(",")
    if not comma or not head.endswith(";base64"):
        raise _unreadable(name)
    if len(body) > settings.UPLOAD_MAX_BYTES * 4 // 3 + 4:
        raise UploadTooLarge(limit=settings.UPLOAD_MAX_BYTES // MEGA)
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise _unreadable(name) from exc


def _unreadable(name: str) -> InputInvalid:
    words = gettext("This is not a data: URL in base64.")
    return InputInvalid(details={"errors": [{"pointer": f"/{name}", "code": "file", "message": words}]})
