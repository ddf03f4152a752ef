"""Keep, read, link and drop files. Objects are written before their row, and dropped after it."""

import hashlib
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages
from django.utils import timezone

from apps.core.errors import NotFound
from apps.core.storage import links
from apps.core.storage.holders import held_of
from apps.core.storage.intake import IntakeLimits, normalise_upload
from apps.core.storage.models import StoredFile

__all__ = ["accept_image", "describe", "drop", "get_for", "keep", "local_copy", "purge_expired", "purge_work_dir"]

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "text/plain": "txt"}
CHUNK = 1024 * 1024
# Results are kept; an upload and a step's intermediate may go.
LIFETIMES = {StoredFile.Purpose.UPLOAD: timedelta(days=30), StoredFile.Purpose.STAGE: timedelta(days=7)}
HELD = timedelta(days=1)  # how soon it is asked again whether a file past its time is still held


def _storage() -> Any:
    return storages["default"]


def accept_image(source: BinaryIO, *, name: str, owner: Any) -> StoredFile:
    """Verify, normalise and keep an uploaded picture.

    Raises the errors of `storage.errors`; nothing is kept then.
    """
    with tempfile.TemporaryDirectory(prefix="paiban-intake-") as folder:
        raw, clean = Path(folder) / "raw", Path(folder) / "clean"
        with raw.open("wb") as sink:
            while chunk := source.read(CHUNK):
                sink.write(chunk)
        limits = IntakeLimits(
            max_bytes=settings.UPLOAD_MAX_BYTES,
            max_pixels=settings.UPLOAD_MAX_PIXELS,
            max_side=settings.UPLOAD_MAX_SIDE,
        )
        image = normalise_upload(raw, out=clean, limits=limits)
        return keep(
            clean,
            owner=owner,
            purpose=StoredFile.Purpose.UPLOAD,
            name=name,
            mime=image.mime,
            width=image.width,
            height=image.height,
        )


def keep(
    path: Path,
    *,
    owner: Any,
    purpose: str,
    name: str,
    mime: str,
    width: int | None = None,
    height: int | None = None,
) -> StoredFile:
    """Store the file at `path` and its row."""
    file_id = uuid.uuid4()
    extension = EXTENSIONS.get(mime, "bin")
    lifetime = LIFETIMES.get(StoredFile.Purpose(purpose))
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        content.seek(0)
        stored_as = _storage().save(f"{purpose}/{file_id.hex[:2]}/{file_id.hex}.{extension}", File(content))
    return StoredFile.objects.create(
        id=file_id,
        owner=owner,
        purpose=purpose,
        storage_key=stored_as,
        name=_safe_name(name, extension),
        mime=mime,
        size=path.stat().st_size,
        width=width,
        height=height,
        sha256=digest,
        expires_at=timezone.now() + lifetime if lifetime else None,
    )


def _safe_name(name: str, extension: str) -> str:
    """The stem of a user's file name with harmless characters only, and the extension of what the file is."""
    stem = Path(name.replace("\\", "/")).stem
    kept = "".join(ch if ch.isalnum() or ch in " -_()." else "_" for ch in stem).strip(" .")
    return f"{kept[:100] or 'file'}.{extension}"


def get_for(user: Any, file_id: str) -> StoredFile:
    """The user's own file. Raises `NotFound` for a foreign or unknown id."""
    try:
        wanted = uuid.UUID(str(file_id))
    except ValueError as exc:
        raise NotFound() from exc
    found = StoredFile.objects.filter(pk=wanted, owner=user).first()
    if found is None:
        raise NotFound()
    return found


@contextmanager
def opened(stored: StoredFile) -> Iterator[BinaryIO]:
    """The stored bytes, for reading."""
    with _storage().open(stored.storage_key, "rb") as content:
        yield content


def local_copy(stored: StoredFile, target: Path) -> Path:
    """Copy the stored bytes to `target`, for tools that work on local files."""
    with opened(stored) as source, target.open("wb") as sink:
        while chunk := source.read(CHUNK):
            sink.write(chunk)
    return target


def describe(stored: StoredFile) -> dict[str, Any]:
    """What its owner may see, with a fresh link."""
    return {
        "id": str(stored.pk),
        "url": links.mint(stored),
        "mime": stored.mime,
        "width": stored.width,
        "height": stored.height,
        "size": stored.size,
        "name": stored.name,
    }


def drop(stored: StoredFile) -> None:
    """Remove a file that nothing names: the object, then its row."""
    _storage().delete(stored.storage_key)
    stored.delete()


def purge_expired(*, now: datetime | None = None, batch: int = 500) -> int:
    """Drop files past their time, at most `batch`; returns how many were looked at, so that nought means none is left.

    One that somebody holds is kept, and asked about again after `HELD`. A crash leaves an object that the next pass
    drops again.
    """
    now = now or timezone.now()
    lapsed = list(StoredFile.objects.filter(expires_at__lt=now)[:batch])
    held = held_of({str(stored.pk) for stored in lapsed})
    StoredFile.objects.filter(pk__in=held).update(expires_at=now + HELD)
    for stored in lapsed:
        if str(stored.pk) not in held:
            drop(stored)
    return len(lapsed)


def purge_work_dir(*, older_than: timedelta = timedelta(days=1)) -> int:
    """Drop what killed workers and tool servers left in the scratch folder; returns how many entries."""
    limit = (timezone.now() - older_than).timestamp()
    stale = [entry for entry in Path(settings.WORK_DIR).glob("*") if entry.lstat().st_mtime < limit]
    for entry in stale:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
    return len(stale)
