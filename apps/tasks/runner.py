"""A worker's side of a task: claim it, keep the lease, run the pipeline, end it or let it wait."""

import asyncio
import os
import socket
import threading
import uuid
from collections.abc import Mapping
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone, translation

from apps.core import failpoints
from apps.core.aio import in_thread
from apps.core.errors import ApiError, InternalError
from apps.core.events.bell import tower, wait
from apps.core.storage.models import StoredFile
from apps.pipelines.engine.run import Paused, Run, execute, execute_step
from apps.pipelines.graph import Limits, parse_graph
from apps.providers.budgets import budgets_of_payer
from apps.providers.gateway import Caller
from apps.tasks import services
from apps.tasks.errors import LeaseLost
from apps.tasks.heartbeat import heartbeat
from apps.tasks.journal import RunJournal
from apps.tasks.models import Kind, Status, Task
from apps.tasks.questions import answers_topic, pause_task
from apps.tasks.shelf import RunShelf
from apps.tasks.store import RunFiles
from apps.tasks.trials.plan import Plan, files_of, plan_of

log = structlog.get_logger("tasks")

POINTS = failpoints.declare("tasks.deliver.written", "tasks.run.before_end")


def _name_of_process() -> str:
    """Names this process in leases; the random part tells a restarted process from its predecessor."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


OWNER = _name_of_process()


def _after_fork() -> None:
    global OWNER  # noqa: PLW0603 - two workers under one name would hand back each other's runs
    OWNER = _name_of_process()


os.register_at_fork(after_in_child=_after_fork)

BELL_SECONDS = 60.0  # bells may be lost; the heartbeat finds out what they would have told

_active: "set[asyncio.Task[None]]" = set()
_stopping = threading.Event()


def is_stopping() -> bool:
    """Whether this process takes no more work."""
    return _stopping.is_set()


async def run_task(task_id: str, *, owner: str = "") -> bool:
    """Claim and run the task, in the name of this process; False when there was nothing to claim."""
    if is_stopping():
        return False
    owner = owner or OWNER
    task = await in_thread(services.claim_task)(task_id, owner=owner)
    if task is None:
        return False
    await work_on(task, owner=owner)
    return True


async def work_on(task: Task, *, owner: str) -> None:
    """Run the claimed task until it ends, waits, or is another's."""
    if is_stopping():  # it was being claimed while the others were let go of
        await in_thread(services.hand_back)(owner)
        return
    structlog.contextvars.bind_contextvars(requestId=task.request_id, task=str(task.pk))
    log.info("task.claimed", attempt=task.attempts, feature=task.feature, version=task.version)
    news = asyncio.Event()
    work = asyncio.create_task(_work(task, news))
    _active.add(work)
    loop = asyncio.get_running_loop()
    heartbeat.hold(task, owner=owner, lost=lambda: loop.call_soon_threadsafe(work.cancel))
    bells = asyncio.create_task(_listen(task, work, news))
    try:
        await work
    except (LeaseLost, asyncio.CancelledError):
        log.info("task.let_go", attempt=task.attempts)
    finally:
        heartbeat.drop(task)
        _active.discard(work)
        work.cancel()
        bells.cancel()
        await asyncio.gather(work, bells, return_exceptions=True)


async def let_go_of_all() -> None:
    """Stop working and hand every task back; for a worker that shuts down."""
    _stopping.set()
    for work in list(_active):
        work.cancel()
    await asyncio.gather(*_active, return_exceptions=True)
    await in_thread(services.hand_back)(OWNER)


async def _work(task: Task, news: asyncio.Event) -> None:
    files = files_of(task)
    try:
        with translation.override(task.language):
            try:
                output = await _output(task, files, await plan_of(task), news)
            except Exception as exc:
                await _end(task, exc)
            else:
                failpoints.hit("tasks.run.before_end")
                await in_thread(_deliver)(task, output)
    finally:
        await asyncio.to_thread(files.discard)


async def _output(task: Task, files: RunFiles, plan: Plan, news: asyncio.Event) -> dict[str, Any]:
    """What the run makes, as it is kept with the task."""
    graph = parse_graph(plan.payload["pipeline"]["graph"])
    journal, shelf = RunJournal(task, graph, plan.parts), RunShelf(task)
    run = Run(
        key=str(task.pk),
        graph=graph,
        input=task.input,
        parts=plan.parts,
        files=files,
        journal=journal,
        sink=journal,
        caller=await _caller(task, plan.feature),
        language=task.language,
        facts=_facts(task),
        shelf=shelf,
        limits=Limits(seconds=settings.RUN_SECONDS, steps=settings.RUN_STEPS),
        worked=_worked(task),
        news=news,
        through=plan.through(files),
        pinned=plan.pinned,
    )
    if plan.node:
        made: Mapping[str, Any] = (await execute_step(run, plan.node, task.input)).output
    else:
        made = await execute(run)
    return dict(await shelf.keep(made))


async def _caller(task: Task, feature: str) -> Caller:
    budgets = await budgets_of_payer(task.user_id, task.key_id)
    return Caller(user_id=task.user_id, key_id=task.key_id, feature=feature, budgets=budgets)


def _facts(task: Task) -> dict[str, Any]:
    """What `{{ run.… }}` reads."""
    return {
        "id": str(task.pk),
        "feature": task.feature,
        "user": str(task.user_id),
        "language": task.language,
        "started_at": task.started_at.isoformat() if task.started_at else "",
    }


def _worked(task: Task) -> float:
    """Seconds since the first claim, without those in which the run waited for people and clocks."""
    if task.started_at is None:
        return 0.0
    return max((timezone.now() - task.started_at).total_seconds() - task.paused_seconds, 0.0)


async def _end(task: Task, cause: Exception) -> None:
    """What follows when a run did not come to its end. Raises `LeaseLost` where that is for others to say."""
    match cause:
        case LeaseLost():
            raise cause
        case Paused():
            await in_thread(pause_task)(task, cause)
        case DatabaseError() | InterfaceError():
            # The truth cannot be written now; the lease lapses and the task goes on from its last checkpoint.
            log.error("task.database_failed", exc_info=cause)
            raise LeaseLost() from None
        case ApiError():
            await in_thread(services.finish_task)(task, to=Status.FAILED, error=cause)
        case _:
            log.error("task.crashed", exc_info=cause)
            await in_thread(services.finish_task)(task, to=Status.FAILED, error=InternalError())


def _deliver(task: Task, output: dict[str, Any]) -> None:
    """Finish with `output`; the files in it are the user's to keep, those of a trial go with it."""
    with transaction.atomic():
        services.finish_task(task, to=Status.SUCCEEDED, output=output)
        task.output = output
        if task.kind == Kind.LIVE:
            stage = StoredFile.objects.filter(pk__in=services.stored_files(task), purpose=StoredFile.Purpose.STAGE)
            stage.update(purpose=StoredFile.Purpose.RESULT, expires_at=None)
        failpoints.hit("tasks.deliver.written")


async def _listen(task: Task, work: "asyncio.Task[None]", news: asyncio.Event) -> None:
    """Stop the work when a bell says that the task was cancelled; pass on that a question was answered."""
    async with tower().waiting_for(services.cancel_topic(task.pk), answers_topic(task.pk)) as bell:
        while True:
            await wait(bell, seconds=BELL_SECONDS)
            try:
                ours = await in_thread(services.renew_lease)(task)
            except DatabaseError:
                continue
            if not ours:
                log.info("task.lease_lost")
                work.cancel()
                return
            news.set()
