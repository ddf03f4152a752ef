"""Work that must not be lost: a row in the transaction, gone when the broker has it."""

import json
from datetime import timedelta

from celery import Celery
from django.db import transaction
from django.utils import timezone

from apps.core import redis
from apps.core.outbox import services
from apps.core.outbox.models import OutboxMessage
from apps.core.outbox.services import dispatch_batch, enqueue
from apps.core.request_id import bind_request_id
from config.celery import app
from tests.core.builders import free_port

app.set_current()
QUEUE = "celery:pipelines"


def queued() -> list[dict[str, object]]:
    return [json.loads(raw) for raw in redis.client().lrange(redis.key(QUEUE), 0, -1)]


def test_enqueue__transaction_rolled_back__leaves_no_row(db):
    with transaction.atomic():
        enqueue("tasks.run", "t1")
        transaction.set_rollback(True)

    assert (OutboxMessage.objects.count(), dispatch_batch(), queued()) == (0, 0, [])


def test_dispatch__due__reaches_the_broker_and_leaves(db):
    bind_request_id("request-0001")
    enqueue("tasks.run", "t1", 2)

    sent = dispatch_batch()

    (message,) = queued()
    assert (sent, OutboxMessage.objects.count()) == (1, 0)
    assert message["headers"]["task"] == "tasks.run"
    assert message["headers"]["request_id"] == "request-0001"
    assert message["headers"]["argsrepr"] == "['t1', 2]"


def test_dispatch__not_due_yet__waits(db):
    enqueue("tasks.run", "t1", due_at=timezone.now() + timedelta(minutes=1))

    assert (dispatch_batch(), OutboxMessage.objects.count(), queued()) == (0, 1, [])

    OutboxMessage.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert (dispatch_batch(), OutboxMessage.objects.count(), len(queued())) == (1, 0, 1)


def test_dispatch__broker_down__keeps_the_rows(db, monkeypatch):
    dead = Celery(broker=f"redis://127.0.0.1:{free_port()}/0", set_as_current=False)
    monkeypatch.setattr(services, "current_app", dead)
    enqueue("tasks.run", "t1")
    enqueue("tasks.run", "t2")

    assert dispatch_batch() == 0

    assert list(OutboxMessage.objects.order_by("id").values_list("args", flat=True)) == [["t1"], ["t2"]]
    monkeypatch.undo()
    assert (dispatch_batch(), OutboxMessage.objects.count(), len(queued())) == (2, 0, 2)


def test_dispatch__broker_lost_half_way__deletes_only_what_went(db, monkeypatch):
    for name in ("t1", "t2", "t3"):
        enqueue("tasks.run", name)
    real = services._send

    def send(message, producer):
        if message.args == ["t2"]:
            raise ConnectionError
        real(message, producer)

    monkeypatch.setattr(services, "_send", send)

    assert dispatch_batch() == 1
    assert [m.args for m in OutboxMessage.objects.order_by("id")] == [["t2"], ["t3"]]


def test_dispatch__many__goes_in_bounded_batches(db, monkeypatch):
    monkeypatch.setattr(services, "BATCH", 2)
    for number in range(5):
        enqueue("tasks.run", number)

    assert [dispatch_batch() for _ in range(4)] == [2, 2, 1, 0]
    assert len(queued()) == 5
