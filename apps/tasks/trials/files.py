"""The files of a trial: its own, and those that pins or the old run brought along."""

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from PIL import Image

from apps.core.aio import in_thread
from apps.core.errors import NotFound
from apps.core.form_input import file_fields
from apps.core.storage import services as storage
from apps.core.storage.models import StoredFile
from apps.tasks.models import Task
from apps.tasks.store import RunFiles

SAMPLE: Final = "sample"  # in a file field of a case: any picture
SAMPLE_SIDE: Final = 64  # pixels


class TrialFiles(RunFiles):
    """As of any run; besides, the files that were named when the trial was started, whoever has them."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self._lent = frozenset((task.source or {}).get("files", ()))
        self._sample = ""

    async def sample(self) -> str:
        """The id of a picture for tools that make one and were given none; the same one for the whole run."""
        if not self._sample:
            self._sample = await in_thread(sample_picture)(self._task.user)
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


def sample_picture(owner: Any) -> str:
    """The id of a new picture that shows nothing; it goes after a week."""
    folder = Path(settings.WORK_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4().hex}.png"
    try:
        Image.new("RGB", (SAMPLE_SIDE, SAMPLE_SIDE), "#c8d2dc").save(path)
        stored = storage.keep(
            path,
            owner=owner,
            purpose=StoredFile.Purpose.STAGE,
            name=SAMPLE,
            mime="image/png",
            width=SAMPLE_SIDE,
            height=SAMPLE_SIDE,
        )
    finally:
        path.unlink(missing_ok=True)
    return str(stored.pk)


def with_samples(owner: Any, schema: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The input of a case, with a picture in each file field that holds the word `sample`: a case that came from
    elsewhere can name no file.
    """
    wanted = {name for name in file_fields(schema) if given.get(name) == SAMPLE} if schema else set()
    picture = sample_picture(owner) if wanted else ""
    return {**given, **dict.fromkeys(wanted, picture)}
