"""A worker's side of a task: claim it, keep the lease, run the pipeline, end it."""

import asyncio
import contextlib
import os
import socket
import threading
import uuid

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import translation

from apps.core.aio import in_thread
from apps.core.errors import ApiError, InternalError
from apps.core.events.bell import tower, wait
from apps.core.storage.models import StoredFile
from apps.pipelines.engine.run import Run, execute, execute_step
from apps.pipelines.graph import parse_graph
from apps.providers.budgets import budgets_of_payer
from apps.providers.gateway import Caller
from apps.tasks import services
from apps.tasks.errors import LeaseLost
from apps.tasks.journal import RunJournal
from apps.tasks.models import Kind, Status, Task
from apps.tasks.shelf import RunShelf
from apps.tasks.store import RunFiles
from apps.tasks.trials.plan import files_of, plan_of

log = structlog.get_logger("tasks")

# Names this process in leases; the random part tells a restarted process from its predecessor.
OWNER = f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


_active: "set[asyncio.Task[None]]" = set()
_stopping = threading.Event()


async def run_task(task_id: str, *, owner: str = OWNER) -> bool:
    """Claim and run the task; False when there was nothing to claim."""
    if _stopping.is_set():
        return False
    task = await in_thread(services.claim_task)(task_id, owner=owner)
    if task is None:
        return False
    structlog.contextvars.bind_contextvars(requestId=task.request_id, task=str(task.pk))
    log.info("task.claimed", attempt=task.attempts, feature=task.feature, version=task.version)
    work = asyncio.create_task(_work(task))
    _active.add(work)
    lease = asyncio.create_task(_keep_lease(task, work))
    try:
        await work
    except (LeaseLost, asyncio.CancelledError):
        log.info("task.let_go", attempt=task.attempts)
    finally:
        _active.discard(work)
        work.cancel()
        lease.cancel()
        await asyncio.gather(work, lease, return_exceptions=True)
    return True


async def let_go_of_all() -> None:
    """Stop working and hand every task back; for a worker that shuts down."""
    _stopping.set()
    for work in list(_active):
        work.cancel()
    await asyncio.gather(*_active, return_exceptions=True)
    await in_thread(services.hand_back)(OWNER)


async def _work(task: Task) -> None:
    files = files_of(task)
    try:
        with translation.override(task.language):
            await _run_to_the_end(task, files)
    finally:
        await asyncio.to_thread(files.discard)


async def _run_to_the_end(task: Task, files: RunFiles) -> None:
    try:
        plan = await plan_of(task)
        graph = parse_graph(plan.payload["pipeline"]["graph"])
        journal = RunJournal(task, graph, dict(plan.parts))
        budgets = await budgets_of_payer(task.user_id, task.key_id)
        run = Run(
            key=str(task.pk),
            graph=graph,
            input=task.input,
            parts=plan.parts,
            files=files,
            journal=journal,
            sink=journal,
            shelf=RunShelf(task),
            caller=Caller(user_id=task.user_id, key_id=task.key_id, feature=plan.feature, budgets=budgets),
            through=plan.through(files),
            pinned=plan.pinned,
        )
        output = dict((await execute_step(run, plan.node, task.input)).output) if plan.node else await execute(run)
    except LeaseLost:
        raise
    except DatabaseError:
        # The truth cannot be written now; the lease lapses and the task goes on from its last checkpoint.
        log.exception("task.database_failed")
        raise LeaseLost() from None
    except ApiError as exc:
        await in_thread(services.finish_task)(task, to=Status.FAILED, error=exc)
    except Exception:
        log.exception("task.crashed")
        await in_thread(services.finish_task)(task, to=Status.FAILED, error=InternalError())
    else:
        await in_thread(_deliver)(task, output)


def _deliver(task: Task, output: dict[str, object]) -> None:
    """Finish with `output`; the files in it are the user's to keep, those of trials for a while."""
    with transaction.atomic():
        services.finish_task(task, to=Status.SUCCEEDED, output=output)
        if task.kind != Kind.LIVE:
            return
        task.output = output
        stage = StoredFile.objects.filter(pk__in=services.stored_files(task), purpose=StoredFile.Purpose.STAGE)
        stage.update(purpose=StoredFile.Purpose.RESULT, expires_at=None)


async def _keep_lease(task: Task, work: "asyncio.Task[None]") -> None:
    """Renew every few seconds and whenever the task's bell rings for a cancel; stop the work when it is not ours."""
    async with tower().waiting_for(services.cancel_topic(task.pk)) as bell:
        while True:
            await wait(bell, seconds=settings.TASK_RENEW_SECONDS)
            with contextlib.suppress(DatabaseError):
                if not await in_thread(services.renew_lease)(task):
                    log.info("task.lease_lost")
                    work.cancel()
                    return
