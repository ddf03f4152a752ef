"""The event log: numbered without gaps, resumable over SSE and websocket, only for the owner."""

import asyncio
import json
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from channels.testing import WebsocketCommunicator
from django.db import transaction
from django.utils import timezone

from apps.accounts.tickets import mint_ticket
from apps.core import aio
from apps.core.config import reader
from apps.core.config.heads import HeadState
from apps.core.config.invalidation import Invalidation
from apps.core.events.bell import ring
from apps.tasks import events
from apps.tasks.models import Event, Status, Task
from apps.tasks.runner import run_task
from apps.tasks.services import claim_task, finish_task
from tests.conftest import Api
from tests.tasks.builders import make_feature, make_task

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def finished(member) -> Task:
    make_feature()
    task = make_task(member)
    assert aio.run(run_task(str(task.pk)), timeout=20)
    task.refresh_from_db()
    return task


def parse(body: str) -> list[tuple[int, str, dict]]:
    blocks = [
        dict(line.split(": ", 1) for line in block.splitlines()) for block in body.split("\n\n") if "data: " in block
    ]
    return [(int(b["id"]), b["event"], json.loads(b["data"])) for b in blocks]


def test_log__finished_task__numbers_without_gaps_and_one_ending(finished):
    rows = list(finished.events.order_by("seq").values_list("seq", "type"))

    assert [seq for seq, _type in rows] == list(range(1, len(rows) + 1))
    assert [kind for _seq, kind in rows] == ["queued", "running", "step", "step", "step", "step", "succeeded"]
    assert finished.event_seq == len(rows)


def test_append__token_is_old__nothing_written(member):
    make_feature()
    task = claim_task(str(make_task(member).pk), owner="w")
    before = Event.objects.count()

    with transaction.atomic():
        written = events.append(task, Task.objects.all().held_by(task.fencing_token - 1), "log", {"message": "late"})

    assert not written
    assert Event.objects.count() == before


def test_stream__from_the_start__every_event_in_order(finished, member):
    answer = Api(member).get(f"/api/v1/tasks/{finished.pk}/stream")

    assert answer.headers["content-type"].startswith("text/event-stream")
    frames = parse(answer.text)
    assert [seq for seq, _t, _d in frames] == list(range(1, finished.event_seq + 1))
    assert frames[-1][1] == "succeeded"
    assert frames[-1][2]["data"] == {"output": {"text": "hello"}}


@pytest.mark.parametrize("seen", [1, 3, 6])
def test_stream__resumed__only_what_was_missed(finished, member, seen):
    answer = Api(member).get(f"/api/v1/tasks/{finished.pk}/stream", headers={"Last-Event-ID": str(seen)})

    assert [seq for seq, _t, _d in parse(answer.text)] == list(range(seen + 1, finished.event_seq + 1))


@pytest.mark.parametrize("seen", ["7", "99", "999999999"])
def test_stream__ended_and_all_seen__204(finished, member, seen):
    assert Api(member).get(f"/api/v1/tasks/{finished.pk}/stream", headers={"Last-Event-ID": seen}).status_code == 204


@pytest.mark.parametrize("seen", ["-1", "abc", "1e9", "99999999999999999999"])
def test_stream__nonsense_position__from_the_start(finished, member, seen):
    answer = Api(member).get(f"/api/v1/tasks/{finished.pk}/stream", headers={"Last-Event-ID": seen})

    assert parse(answer.text)[0][0] == 1


def test_stream__stranger_or_nobody__refused(finished, stranger):
    path = f"/api/v1/tasks/{finished.pk}/stream"

    assert (Api(stranger).get(path).status_code, Api().get(path).status_code) == (404, 401)
    assert Api(stranger).get("/api/v1/tasks/not-an-id/stream").json()["code"] == "TASKS_2003"


def test_follow__events_come_while_reading__all_of_them_once(member):
    make_feature()
    task = claim_task(str(make_task(member).pk), owner="w")

    async def read() -> list[int]:
        return [frame.seq async for frame in events.follow(task.pk, after=0) if frame]

    reading = asyncio.run_coroutine_threadsafe(read(), aio.background_loop())
    for number in range(20):
        with transaction.atomic():
            assert events.append(task, Task.objects.all().held_by(task.fencing_token), "log", {"n": number})
    finish_task(task, to=Status.SUCCEEDED, output={})

    assert reading.result(timeout=20) == list(range(1, 24))


def talk(path: str, script):
    """Run `script(socket)` over one websocket of the real application."""
    from config.asgi import application

    async def conversation():
        socket = WebsocketCommunicator(
            application, path, headers=[(b"host", b"testserver"), (b"origin", b"http://testserver")]
        )
        connected, _code = await socket.connect()
        assert connected
        try:
            return await script(socket)
        finally:
            await socket.disconnect()

    return async_to_sync(conversation)()


def test_websocket__subscribe_after__the_rest_in_order(finished, member):
    async def script(socket):
        await socket.send_json_to({"subscribe": str(finished.pk), "after": 2})
        return [await socket.receive_json_from(timeout=5) for _ in range(finished.event_seq - 2)]

    frames = talk(f"/ws/?ticket={mint_ticket(member.pk)}", script)

    assert [frame["seq"] for frame in frames] == list(range(3, finished.event_seq + 1))
    assert frames[-1]["type"] == "succeeded"


def test_websocket__ended_and_all_seen__nothing_more(finished, member):
    async def script(socket):
        await socket.send_json_to({"subscribe": str(finished.pk), "after": finished.event_seq})
        return await socket.receive_nothing(timeout=0.5)

    assert talk(f"/ws/?ticket={mint_ticket(member.pk)}", script)


def test_websocket__foreign_task__error_frame_and_no_event(finished, stranger):
    async def script(socket):
        await socket.send_json_to({"subscribe": str(finished.pk)})
        return await socket.receive_json_from(timeout=5), await socket.receive_nothing(timeout=0.3)

    frame, silent = talk(f"/ws/?ticket={mint_ticket(stranger.pk)}", script)

    assert (frame["type"], frame["code"], silent) == ("error", "TASKS_2003", True)


@pytest.mark.parametrize("text", ["{}", "[]", "not json", '{"subscribe": "x", "after": "y"}', "null"])
def test_websocket__nonsense__error_frame_and_still_open(member, text):
    async def script(socket):
        await socket.send_to(text_data=text)
        first = await socket.receive_json_from(timeout=5)
        await socket.send_to(text_data=text)
        return first, await socket.receive_json_from(timeout=5)

    first, second = talk(f"/ws/?ticket={mint_ticket(member.pk)}", script)

    assert (first["type"], second["type"]) == ("error", "error")


def test_websocket__ticket_spent_or_missing__closed_with_4401(member):
    ticket = mint_ticket(member.pk)

    async def nothing(socket):
        return None

    async def closing(socket):
        return (await socket.receive_output(timeout=5))["code"]

    talk(f"/ws/?ticket={ticket}", nothing)

    assert talk(f"/ws/?ticket={ticket}", closing) == 4401
    assert talk("/ws/", closing) == 4401


def test_websocket__own_task_moves__room_is_told(member):
    make_feature()

    async def script(socket):
        task = await aio.in_thread(make_task)(member)
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(run_task(str(task.pk)), aio.background_loop()))
        return await told(socket, task)

    assert talk(f"/ws/?ticket={mint_ticket(member.pk)}", script) == "succeeded"


ENDED = ("succeeded", "failed")


async def told(socket, task) -> str:
    """The first final status of `task` that the room says; a minute at the most, whatever else is said."""
    async with asyncio.timeout(60):
        while True:
            frame = await socket.receive_json_from(timeout=20)
            if frame["type"] == "task.update" and frame["task"] == str(task.pk) and frame["status"] in ENDED:
                return frame["status"]


def test_websocket__task_stamped_before_the_last_look_and_committed_after__is_told(member):
    make_feature()

    def finish_late(task: Task) -> None:
        stamp = timezone.now() - timedelta(seconds=5)
        Task.objects.filter(pk=task.pk).update(status=Status.FAILED, finished_at=stamp)
        ring(f"user:{member.pk}")

    async def script(socket):
        task = await aio.in_thread(make_task)(member)
        while (await socket.receive_json_from(timeout=20))["type"] != "task.update":
            pass  # the room has looked
        await aio.in_thread(finish_late)(task)
        return await told(socket, task)

    assert talk(f"/ws/?ticket={mint_ticket(member.pk)}", script) == "failed"


def test_stream__password_changed_meanwhile__old_token_refused(finished, member):
    api = Api(member)
    member.set_password("another-pass-2")
    member.save()

    assert api.get(f"/api/v1/tasks/{finished.pk}/stream").status_code == 401


def release_something() -> None:
    state = HeadState(0, "", reader.revision + 1)
    reader.apply(Invalidation("feature", "new", state, 0.0))


def of_config(frames: list[dict]) -> list[int]:
    return [frame["revision"] for frame in frames if frame["type"] == "config"]


def test_websocket__watches_the_configuration__hears_the_revision_and_each_newer_one(finished, member):
    async def script(socket):
        await socket.send_json_to({"watch": "config"})
        first = await socket.receive_json_from(timeout=5)
        release_something()
        return [first, await socket.receive_json_from(timeout=5)]

    revision = reader.scope_revision("feature")

    assert of_config(talk(f"/ws/?ticket={mint_ticket(member.pk)}", script)) == [revision, revision + 1]
    assert reader._listeners == set()


def test_websocket__has_the_revision__hears_only_of_the_next(finished, member):
    revision = reader.scope_revision("feature")

    async def script(socket):
        await socket.send_json_to({"watch": "config", "after": revision})
        quiet = await socket.receive_nothing(timeout=0.3)
        release_something()
        return quiet, await socket.receive_json_from(timeout=5)

    quiet, frame = talk(f"/ws/?ticket={mint_ticket(member.pk)}", script)

    assert (quiet, frame) == (True, {"type": "config", "revision": revision + 1})


def test_websocket__watches_twice_then_no_more__one_notice_then_silence(finished, member):
    async def script(socket):
        for _number in range(2):
            await socket.send_json_to({"watch": "config"})
            await socket.receive_json_from(timeout=5)
        release_something()
        heard = [await socket.receive_json_from(timeout=5)]
        await socket.send_json_to({"unwatch": "config"})
        await socket.send_json_to({})  # its answer says that the line before was read
        heard.append(await socket.receive_json_from(timeout=5))
        release_something()
        return heard, await socket.receive_nothing(timeout=0.3)

    heard, silent = talk(f"/ws/?ticket={mint_ticket(member.pk)}", script)

    assert (of_config(heard), heard[1]["type"], silent) == ([reader.revision - 1], "error", True)
    assert reader._listeners == set()


@pytest.mark.parametrize("frame", [{"watch": "tasks"}, {"watch": None}, {"unwatch": "x"}])
def test_websocket__watches_something_else__error_frame(member, frame):
    async def script(socket):
        await socket.send_json_to(frame)
        return await socket.receive_json_from(timeout=5)

    assert talk(f"/ws/?ticket={mint_ticket(member.pk)}", script)["code"] == "CORE_2000"
