"""The files of a trial: its own, and those that pins or the old run brought along."""

import uuid
from pathlib import Path

from PIL import Image

from apps.core.aio import in_thread
from apps.core.errors import NotFound
from apps.core.storage import services as storage
from apps.core.storage.models import StoredFile
from apps.tasks.models import Task
from apps.tasks.store import RunFiles

SAMPLE_SIDE = 64  # pixels


class TrialFiles(RunFiles):
    """As of any run; besides, the files that were named when the trial was started, whoever has them."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self._lent = frozenset((task.source or {}).get("files", ()))
        self._sample = ""

    async def sample(self) -> str:
        """The id of a picture for tools that make one and were given none; the same one for the whole run."""
        if not self._sample:
            path = await in_thread(self._drawn)()
            self._sample = await self.adopt(path, mime="image/png", width=SAMPLE_SIDE, height=SAMPLE_SIDE, name="mock")
        return self._sample

    def _fetch(self, file_id: str) -> Path:
        if file_id not in self._lent:
            return super()._fetch(file_id)
        stored = StoredFile.objects.filter(pk=file_id).first()
        if stored is None:
            raise NotFound()
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / f"{stored.pk.hex}{Path(stored.storage_key).suffix}"
        return target if target.exists() else storage.local_copy(stored, target)

    def _drawn(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / f"{uuid.uuid4().hex}.png"
        Image.new("RGB", (SAMPLE_SIDE, SAMPLE_SIDE), "#c8d2dc").save(target)
        return target
