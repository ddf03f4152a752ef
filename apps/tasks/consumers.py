"""`/ws/`: one websocket per page; it follows any of the user's tasks and hears of changes in all of them."""

import asyncio
import time
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import structlog
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.db.models import Q
from django.urls import path
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.tickets import spend_ticket
from apps.core.aio import in_thread
from apps.core.errors import ApiError
from apps.core.events.bell import tower, wait
from apps.core.request_id import bind_request_id
from apps.features.notices import revisions
from apps.tasks import services
from apps.tasks.events import follow
from apps.tasks.models import Task

log = structlog.get_logger("tasks")

HEARTBEAT_SECONDS = 10.0
RECHECK_SECONDS = 30.0
UPDATE_SECONDS = 0.5  # a task that speaks rings often; a list needs no more than two updates a second
OVERLAP = timedelta(seconds=30)  # a task is stamped before it is committed; what is seen twice is told once
MAX_FOLLOWED = 20
TICKET_REFUSED = 4401
CONFIG = "config"  # what a socket may watch besides tasks


class TaskConsumer(AsyncJsonWebsocketConsumer):
    """Frames in: `{"subscribe": task, "after": seq}`, `{"unsubscribe": task}`, `{"watch": "config", "after": n}` and
    `{"unwatch": "config"}`. Out: events, updates, revisions, heartbeats.
    """

    async def connect(self) -> None:
        bind_request_id(None)
        self.running: dict[str, asyncio.Task[None]] = {}
        query = parse_qs(self.scope["query_string"].decode())
        user_id = await in_thread(spend_ticket)(query.get("ticket", [""])[0])
        await self.accept()  # a close code reaches the browser only on an accepted connection
        epoch = await in_thread(_epoch_of)(user_id)
        if user_id is None or epoch is None:
            await self.close(code=TICKET_REFUSED)
            return
        self.user_id, self.epoch = user_id, epoch
        self.running["heartbeat"] = asyncio.create_task(self._beat())
        self.running["room"] = asyncio.create_task(self._room())

    async def disconnect(self, code: int) -> None:
        for task in self.running.values():
            task.cancel()
        await asyncio.gather(*self.running.values(), return_exceptions=True)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        if not isinstance(content, dict):
            return await self._refuse("CORE_2000", "Send an object.")
        if wanted := content.get("subscribe"):
            await self._subscribe(str(wanted), content.get("after", 0))
        elif unwanted := content.get("unsubscribe"):
            self._stop(f"task:{unwanted}")
        elif content.get("watch") == CONFIG:
            self._watch(content.get("after"))
        elif content.get("unwatch") == CONFIG:
            self._stop("watch")
        else:
            await self._refuse("CORE_2000", "Send subscribe, unsubscribe, watch or unwatch.")
        return None

    def _watch(self, known: Any) -> None:
        """Tell of the configuration's revision, unless it is `known`, and of each newer one."""
        self._stop("watch")
        self.running["watch"] = asyncio.create_task(self._tell_revisions(known if isinstance(known, int) else None))

    def _stop(self, name: str) -> None:
        if task := self.running.pop(name, None):
            task.cancel()

    async def _tell_revisions(self, known: int | None) -> None:
        async with aclosing(revisions(known)) as news:
            async for revision in news:
                if revision is not None:
                    await self.send_json({"type": "config", "revision": revision})

    @classmethod
    async def decode_json(cls, text_data: str) -> Any:
        with suppress(ValueError):
            return await super().decode_json(text_data)
        return None

    async def _subscribe(self, task_id: str, after: Any) -> None:
        if not isinstance(after, int) or after < 0:
            after = 0
        try:
            task = await in_thread(_task_of)(self.user_id, task_id)
        except ApiError as exc:
            return await self._refuse(exc.code, exc.text())
        if sum(name.startswith("task:") for name in self.running) >= MAX_FOLLOWED:
            return await self._refuse("CORE_2006", "Too many subscriptions on one connection.")
        self._stop(f"task:{task.pk}")
        if task.is_terminal and after >= task.event_seq:
            return None  # it has ended and everything was seen
        self.running[f"task:{task.pk}"] = asyncio.create_task(self._follow(task, min(after, task.event_seq)))
        return None

    async def _follow(self, task: Task, after: int) -> None:
        async for frame in follow(task.pk, after=after):
            if frame is not None:
                await self.send_json(frame.as_dict())
        self.running.pop(f"task:{task.pk}", None)

    async def _room(self) -> None:
        """Tell of every task of the user that moved since the last look."""
        told: list[dict[str, Any]] = []
        async with tower().waiting_for(f"user:{self.user_id}") as bell:
            while True:
                await wait(bell, seconds=HEARTBEAT_SECONDS)
                moved = await in_thread(_moved_since)(self.user_id, timezone.now() - OVERLAP)
                for update in moved:
                    if update not in told:
                        await self.send_json({"type": "task.update", **update})
                told = moved
                await asyncio.sleep(UPDATE_SECONDS)

    async def _beat(self) -> None:
        checked = time.monotonic()
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await self.send_json({"type": "heartbeat", "at": timezone.now().isoformat()})
            if time.monotonic() - checked >= RECHECK_SECONDS:
                checked = time.monotonic()
                if await in_thread(_epoch_of)(self.user_id) != self.epoch:
                    await self.close(code=TICKET_REFUSED)
                    return

    async def _refuse(self, code: str, message: str) -> None:
        await self.send_json({"type": "error", "code": code, "message": message})


def _epoch_of(user_id: int | None) -> int | None:
    """The epoch of the user's tokens; None for nobody and for somebody who was switched off."""
    active = User.objects.filter(pk=user_id, is_active=True) if user_id else User.objects.none()
    return active.values_list("token_epoch", flat=True).first()


def _task_of(user_id: int, task_id: str) -> Task:
    return services.get_for(user_id, task_id)


def _moved_since(user_id: int, since: datetime) -> list[dict[str, Any]]:
    moved = Task.objects.live().filter(user_id=user_id).filter(Q(finished_at=None) | Q(finished_at__gte=since))
    newest = moved.order_by("-created_at")[:50]
    return [{"task": str(t.pk), "feature": t.feature, "status": t.status, "progress": t.progress} for t in newest]


websocket_urlpatterns = [path("ws/", TaskConsumer.as_asgi())]
