"""Links to files: short-lived and signed, so that reading one touches no database."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.core.files.storage import FileSystemStorage, storages

from apps.core.storage.models import StoredFile

_SALT = "paiban.file"


def mint(stored: StoredFile) -> str:
    """A link to `stored` that lapses after `FILE_LINK_SECONDS`."""
    storage = storages["default"]
    if not isinstance(storage, FileSystemStorage):
        return str(storage.url(stored.storage_key))
    claim = {"k": stored.storage_key, "m": stored.mime, "n": stored.name}
    return f"/files/{signing.dumps(claim, salt=_SALT, compress=True)}"


def origins() -> list[str]:
    """Other origins that links lead to: the object store's, or none for local files."""
    storage = storages["default"]
    if isinstance(storage, FileSystemStorage):
        return []
    address = urlsplit(str(storage.url("origin")))
    return [f"{address.scheme}://{address.netloc}"]


def read(token: str) -> dict[str, Any] | None:
    """What the link was minted for, or None when it is forged or has lapsed."""
    try:
        claim: dict[str, Any] = signing.loads(token, salt=_SALT, max_age=settings.FILE_LINK_SECONDS)
    except signing.BadSignature:
        return None
    return claim
