"""Put jobs in the outbox, and hand them to the broker in batches."""

from datetime import datetime
from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from apps.core.events.bell import ring
from apps.core.failpoints import declare, hit
from apps.core.outbox.models import OutboxMessage
from apps.core.request_id import get_request_id

__all__ = ["BELL", "dispatch_batch", "enqueue"]

log = structlog.get_logger("core")

POINTS = declare("outbox.enqueue.written", "outbox.dispatch.read", "outbox.dispatch.sent", "outbox.dispatch.deleted")

BELL = "outbox"
BATCH = 100  # about 5 ms of publishing; small enough that a crash repeats little


def enqueue(job: str, *args: Any, queue: str = "pipelines", due_at: datetime | None = None) -> None:
    """Have `job` run with `args` (ids only) after the surrounding transaction commits, at `due_at` or at once."""
    OutboxMessage.objects.create(
        job=job, args=list(args), queue=queue, request_id=get_request_id(), due_at=due_at or timezone.now()
    )
    hit("outbox.enqueue.written")
    transaction.on_commit(lambda: ring(BELL))


def dispatch_batch() -> int:
    """Hand due messages to the broker; returns how many went.

    A message is deleted after the broker took it, so a crash in between sends it twice: every job claims its work
    by a conditional update and does not mind. An unreachable broker leaves the rows for the next try.
    """
    due = list(OutboxMessage.objects.filter(due_at__lte=timezone.now()).order_by("id")[:BATCH])
    sent: list[int] = []
    try:
        if due:
            hit("outbox.dispatch.read")
            with current_app.producer_pool.acquire(block=True, timeout=5) as producer:
                for message in due:
                    _send(message, producer)
                    sent.append(message.pk)
    except (OperationalError, RedisError, ConnectionError, TimeoutError):
        log.warning("outbox.broker_unreachable", waiting=len(due) - len(sent))
    if sent:
        hit("outbox.dispatch.sent")
        OutboxMessage.objects.filter(pk__in=sent).delete()
        hit("outbox.dispatch.deleted")
    return len(sent)


def _send(message: OutboxMessage, producer: Any) -> None:
    current_app.send_task(
        message.job,
        args=message.args,
        queue=message.queue,
        producer=producer,
        ignore_result=True,
        retry=False,
        headers={"request_id": message.request_id},
    )
