"""The files of one claimed task."""

import shutil
import uuid
from pathlib import Path

from django.conf import settings

from apps.core.aio import in_thread
from apps.core.storage import services as storage
from apps.core.storage.intake import normalise_upload
from apps.core.storage.models import StoredFile
from apps.tasks.models import Task

# Of files that a tool sends along, the types that browsers may be told; any other could hold a script.
HARMLESS = frozenset({
    "audio/mpeg", "audio/mp4", "audio/ogg", "audio/wav", "audio/webm", "audio/flac", "application/json", "text/plain",
})  # fmt: skip


class RunFiles:
    """The files of one claim: local copies in a scratch folder, results taken over into storage."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._folder = Path(settings.WORK_DIR) / f"{task.pk.hex}-{task.fencing_token}"

    async def fetch(self, file_id: str) -> Path:
        return await in_thread(self._fetch)(file_id)

    async def adopt(self, path: Path, *, mime: str, width: int | None, height: int | None, name: str) -> str:
        return await in_thread(self._adopt)(path, mime=mime, width=width, height=height, name=name)

    async def keep(self, content: bytes, *, mime: str, name: str) -> str:
        return await in_thread(self._keep)(content, mime=mime, name=name)

    def discard(self) -> None:
        """Drop the scratch folder."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _fetch(self, file_id: str) -> Path:
        stored = storage.get_for(self._task.user, file_id)
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / f"{stored.pk.hex}{Path(stored.storage_key).suffix}"
        return target if target.exists() else storage.local_copy(stored, target)

    def _keep(self, content: bytes, *, mime: str, name: str) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        made = self._folder / f"{uuid.uuid4().hex}.bin"
        made.write_bytes(content)
        if not mime.startswith("image/"):
            kind = mime if mime in HARMLESS else "application/octet-stream"
            return self._adopt(made, mime=kind, width=None, height=None, name=name)
        clean = made.with_suffix(".img")
        image = normalise_upload(made, out=clean)
        made.unlink()
        return self._adopt(clean, mime=image.mime, width=image.width, height=image.height, name=name)

    def _adopt(self, path: Path, *, mime: str, width: int | None, height: int | None, name: str) -> str:
        """Only files inside the work directory are taken: a tool's answer is not to be trusted with paths."""
        resolved = path.resolve()
        if not resolved.is_relative_to(Path(settings.WORK_DIR).resolve()):
            raise PermissionError(f"a tool named a file outside the work directory: {name}")
        stored = storage.keep(
            resolved,
            owner=self._task.user,
            purpose=StoredFile.Purpose.STAGE,
            name=f"{self._task.feature}-{name}",
            mime=mime,
            width=width,
            height=height,
        )
        resolved.unlink(missing_ok=True)
        return str(stored.pk)
