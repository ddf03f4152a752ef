"""What the engine is given for one claimed task: checkpoints, event sink and files, all behind the fencing token."""

import shutil
import uuid
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.core.aio import in_thread
from apps.core.errors import ApiError
from apps.core.storage import services as storage
from apps.core.storage.intake import normalise_upload
from apps.core.storage.models import StoredFile
from apps.core.transactions import retry_on_conflict
from apps.pipelines.engine.ports import FinishedStep
from apps.pipelines.graph import Graph
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import NodeResult
from apps.tasks import events
from apps.tasks.deltas import DeltaBatcher
from apps.tasks.errors import LeaseLost
from apps.tasks.models import StepRun, Task
from apps.tasks.tool_words import in_language

# Of files that a tool sends along, the types that browsers may be told; any other could hold a script.
HARMLESS = frozenset({
    "audio/mpeg", "audio/mp4", "audio/ogg", "audio/wav", "audio/webm", "audio/flac", "application/json", "text/plain",
})  # fmt: skip

P = ParamSpec("P")
T = TypeVar("T")


def _in_transaction(write: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """`write`, one whole transaction, in a thread; repeated when it lost a race for locks."""
    return in_thread(retry_on_conflict(write))


class RunStore:
    """Checkpoints and sink of one claim. Every write carries the token; a late one raises `LeaseLost`."""

    def __init__(self, task: Task, graph: Graph) -> None:
        self._task = task
        self._graph = graph
        self._fractions: dict[str, float] = {}
        self._deltas = DeltaBatcher(self._write_delta)

    # --- checkpoints --------------------------------------------------------------------------

    async def finished(self) -> dict[str, FinishedStep]:
        return await _in_transaction(self._finished)()

    async def begin(self, node_id: str) -> bool:
        self._deltas.restart(node_id)
        return await _in_transaction(self._begin)(node_id)

    async def finish(self, node_id: str, result: NodeResult) -> None:
        await self._deltas.flush()  # a step's text stands in the log before its end
        await _in_transaction(self._finish)(node_id, result)

    async def fail(self, node_id: str, error: ApiError) -> None:
        await self._deltas.flush()
        await _in_transaction(self._close)(node_id, StepRun.Status.FAILED, error=error.as_dict())

    async def skip(self, node_id: str) -> None:
        await _in_transaction(self._skip)(node_id)

    # --- sink ---------------------------------------------------------------------------------

    async def progress(self, node_id: str, fraction: float, message: str) -> None:
        self._fractions[node_id] = min(max(fraction, 0.0), 1.0)
        overall = self._overall()
        words = in_language(message, self._task.language)
        data = {"node": node_id, "progress": self._fractions[node_id], "message": words, "overall": overall}
        await _in_transaction(self._event)("progress", data, progress=overall)

    async def delta(self, node_id: str, text: str) -> None:
        self._deltas.add(node_id, text)

    async def _write_delta(self, node_id: str, text: str, offset: int) -> None:
        await _in_transaction(self._event)("delta", {"node": node_id, "text": text, "offset": offset})

    # --- transactions -------------------------------------------------------------------------

    def _finished(self) -> dict[str, FinishedStep]:
        done = StepRun.objects.filter(task=self._task, status=StepRun.Status.SUCCEEDED)
        steps = {step.node: FinishedStep(step.output or {}, step.branch) for step in done}
        self._fractions.update(dict.fromkeys(steps, 1.0))
        return steps

    def _begin(self, node_id: str) -> bool:
        now = timezone.now()
        with transaction.atomic():
            self._advance()
            step, created = StepRun.objects.get_or_create(
                task=self._task,
                path=node_id,
                defaults={
                    "node": node_id,
                    "type": self._type(node_id),
                    "status": StepRun.Status.RUNNING,
                    "started_at": now,
                },
            )
            if not created:
                StepRun.objects.filter(pk=step.pk).update(
                    status=StepRun.Status.RUNNING, started_at=now, attempts=step.attempts + 1, error=None
                )
            events.log(self._task, "step", self._told(node_id, StepRun.Status.RUNNING))
            if not created and self._streams(node_id):
                self._advance()
                events.log(self._task, "reset", {"node": node_id, "text": "", "offset": 0})
        return not created

    def _finish(self, node_id: str, result: NodeResult) -> None:
        usage = dict(result.usage)
        changes: dict[str, Any] = {"stalled_claims": 0}
        if model := usage.get("model_used"):
            changes |= {"usage_model": model, "mock": bool(usage.get("mock"))}
        self._close(
            node_id,
            StepRun.Status.SUCCEEDED,
            output=dict(result.output),
            branch=result.branch,
            usage=usage,
            task_changes=changes,
        )

    def _skip(self, node_id: str) -> None:
        self._fractions[node_id] = 1.0
        with transaction.atomic():
            self._advance(progress=self._overall())
            StepRun.objects.get_or_create(
                task=self._task,
                path=node_id,
                defaults={"node": node_id, "type": self._type(node_id), "status": StepRun.Status.SKIPPED},
            )
            events.log(self._task, "step", self._told(node_id, StepRun.Status.SKIPPED))

    def _close(self, node_id: str, status: str, task_changes: Mapping[str, Any] | None = None, **written: Any) -> None:
        """The step's result and the event that tells of it, in one transaction."""
        if status == StepRun.Status.SUCCEEDED:
            self._fractions[node_id] = 1.0
        with transaction.atomic():
            self._advance(progress=self._overall(), **(task_changes or {}))
            StepRun.objects.filter(task=self._task, path=node_id).update(
                status=status, finished_at=timezone.now(), **written
            )
            told = self._told(node_id, status)
            if "error" in written:
                told["error"] = written["error"]
            told |= _degraded(written.get("usage", {}), self._task.language)
            events.log(self._task, "step", told)

    def _event(self, kind: str, data: dict[str, Any], **changes: object) -> None:
        with transaction.atomic():
            self._advance(**changes)
            events.log(self._task, kind, data)

    def _advance(self, **changes: object) -> None:
        if not events.advance(self._task, Task.objects.all().held_by(self._task.fencing_token), **changes):
            raise LeaseLost()

    # --- words --------------------------------------------------------------------------------

    def _type(self, node_id: str) -> str:
        return self._graph.by_id[node_id].type

    def _streams(self, node_id: str) -> bool:
        return node_types()[self._type(node_id)].streams

    def _told(self, node_id: str, status: str) -> dict[str, Any]:
        step = StepRun.objects.filter(task=self._task, path=node_id).first()
        ended = step and step.finished_at and step.started_at and status != StepRun.Status.RUNNING
        milliseconds = round((step.finished_at - step.started_at).total_seconds() * 1000) if ended else None  # type: ignore[union-attr,operator]
        return {
            "node": node_id,
            "type": self._type(node_id),
            "title": title_of(self._graph, node_id, self._task.language),
            "status": str(status),
            "index": self._graph.order.index(node_id),
            "total": len(self._graph.nodes),
            "duration_ms": milliseconds,
        }

    def _overall(self) -> float:
        return round(sum(self._fractions.values()) / max(len(self._graph.nodes), 1), 3)


def _degraded(usage: Mapping[str, Any], language: str) -> dict[str, Any]:
    """What is told of a step that another model did in the wanted one's place; nothing of any other."""
    if not usage.get("degraded"):
        return {}
    notice = usage.get("notice") or {}
    return {"degraded": True, "notice": str(notice.get(language) or notice.get("en") or "")}


def title_of(graph: Graph, node_id: str, language: str) -> str:
    """A step's title in `language`: a plain text, or texts by language."""
    title = graph.by_id[node_id].title
    if isinstance(title, Mapping):
        return str(title.get(language) or title.get("en") or node_id)
    return str(title or node_id)


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
