"""Values of a run that are too large for a row: files of its owner, named by `{"$file", bytes, sha256, preview}`.

A file is written before the row that names it, so a crash in between leaves a file that nobody names; it is dropped
when its time is over.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from apps.core.aio import in_thread
from apps.core.errors import NotFound
from apps.core.storage import services as storage
from apps.core.storage.models import StoredFile
from apps.pipelines.errors import OutputGone, OutputTooLarge
from apps.tasks.models import Task

REFERENCE: Final = "$file"
LARGE: Final = 64_000  # bytes of JSON; what is smaller stays in its row
MOST: Final = 64_000_000  # bytes of one value
MOST_OF_RUN: Final = 256_000_000  # bytes that one claim of a run puts away
PREVIEW: Final = 500  # characters
KEPT: Final = timedelta(days=60)  # a question may stay open for 30 days, and another one after it


class RunShelf:
    """The large values of one claim."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._known: dict[str, dict[str, Any]] = {}  # what flows through many steps is put away once
        self._bytes = 0

    async def keep(self, value: Any) -> Any:
        return await in_thread(self._keep)(value)

    async def fill(self, value: Any) -> Any:
        return await in_thread(self._fill)(value) if _refers(value) else value

    def filled(self, value: Any) -> Any:
        """As `fill`, for who is in a thread already. Raises `OutputGone`."""
        return self._fill(value) if _refers(value) else value

    def _keep(self, value: Any) -> Any:
        """Field by field, so that the rest can be read where it stands; the whole when it is many fields."""
        if isinstance(value, Mapping):
            texts = {name: _text(inner) for name, inner in value.items()}
            kept = {n: self._put(text) if len(text) > LARGE else value[n] for n, text in texts.items()}
            if sum(len(text) for text in texts.values() if len(text) <= LARGE) <= LARGE:
                return kept
        text = _text(value)
        return self._put(text) if len(text) > LARGE else value

    def _put(self, text: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(text).hexdigest()
        if digest in self._known:
            return self._known[digest]
        self._bytes += len(text)
        if len(text) > MOST or self._bytes > MOST_OF_RUN:
            size, most, whole = (number // 1_000_000 for number in (len(text), MOST, MOST_OF_RUN))
            raise OutputTooLarge(size=size, most=most, all=whole)
        stored = self._stored(text)
        preview = text[: PREVIEW * 4].decode(errors="ignore")[:PREVIEW]
        reference = {REFERENCE: str(stored.pk), "bytes": len(text), "sha256": digest, "preview": preview}
        self._known[digest] = reference
        return reference

    def _stored(self, text: bytes) -> StoredFile:
        folder = Path(settings.WORK_DIR)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{uuid.uuid4().hex}.json"
        path.write_bytes(text)
        try:
            stored = storage.keep(
                path,
                owner=self._task.user,
                purpose=StoredFile.Purpose.STAGE,
                name=f"{self._task.feature or 'run'}-value",
                mime="application/json",
            )
        finally:
            path.unlink(missing_ok=True)
        StoredFile.objects.filter(pk=stored.pk).update(expires_at=timezone.now() + KEPT)
        return stored

    def _fill(self, value: Any) -> Any:
        if _is_reference(value):
            return self._read(value)
        return {name: self._read(inner) if _is_reference(inner) else inner for name, inner in value.items()}

    def _read(self, reference: Mapping[str, Any]) -> Any:
        """A model may have written something that looks like a reference: only the owner's file with that very content
        is read.
        """
        try:
            with storage.opened(storage.get_for(self._task.user, str(reference[REFERENCE]))) as source:
                text = source.read(MOST + 1)
        except (NotFound, OSError) as exc:
            raise OutputGone() from exc
        if hashlib.sha256(text).hexdigest() != reference.get("sha256"):
            raise OutputGone()
        self._known[str(reference["sha256"])] = dict(reference)
        return json.loads(text)


def _text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _is_reference(value: Any) -> bool:
    return isinstance(value, Mapping) and REFERENCE in value and "sha256" in value


def _refers(value: Any) -> bool:
    return isinstance(value, Mapping) and (_is_reference(value) or any(map(_is_reference, value.values())))
