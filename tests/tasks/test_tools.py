"""Tools in runs: files inside their answers are kept, and a call that may have happened is not made twice."""

from typing import Any

import pytest

from apps.core import aio
from apps.core.storage.models import StoredFile
from apps.mcp import services as mcp
from apps.mcp.models import Tool
from apps.mcp.sessions import Session
from apps.tasks import services
from apps.tasks.models import Effect, StepRun, Task
from apps.tasks.runner import run_task
from tests.mcp.builders import allow, close_sessions, make_server
from tests.tasks.builders import make_feature, make_task

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scripted(settings, tmp_path):
    """Makes a feature of one tool of the scripted server."""
    settings.WORK_DIR = tmp_path
    settings.MCP_STDIO_CATALOGUE = {"scripted": {"module": "tests.mcp.scripted_server", "work_dir": True}}

    def make(tool: str, said: str) -> None:
        allow(make_server(transport="stdio"), tool)
        step = {
            "id": "use",
            "type": "mcp_tool",
            "config": {"server": "raw", "tool": tool},
            "inputs": {"text": "{{ start.text }}"},
        }
        nodes = [{"id": "start", "type": "start"}, step, {"id": "end", "type": "end", "inputs": {"text": said}}]
        edges = [{"source": "start", "target": "use"}, {"source": "use", "target": "end"}]
        make_feature(graph={"nodes": nodes, "edges": edges})

    yield make
    close_sessions()


@pytest.fixture
def called(monkeypatch) -> list[str]:
    """The tools that were really called."""
    found: list[str] = []
    real = Session.call

    async def call(self: Session, tool: str, *given: Any, **more: Any) -> Any:
        found.append(tool)
        return await real(self, tool, *given, **more)

    monkeypatch.setattr(Session, "call", call)
    return found


def run(task: Task) -> Task:
    assert aio.run(run_task(str(task.pk)), timeout=60)
    return Task.objects.get(pk=task.pk)


def interrupted(task: Task, *, repeatable: bool = False) -> Task:
    """As a worker leaves it that dies in the middle of the tool."""
    claimed = services.claim_task(str(task.pk), owner="dead")
    assert claimed is not None
    done = {"status": "succeeded", "output": claimed.input}
    StepRun.objects.create(task=claimed, path="start", node="start", type="start", **done)
    StepRun.objects.create(task=claimed, path="use", node="use", type="mcp_tool", status="running")
    call = {"path": "use", "no": 0, "kind": "tool", "address": "raw/echo", "repeatable": repeatable}
    Effect.objects.create(task=claimed, status=Effect.Status.INTENT, **call)
    services.hand_back("dead")
    return claimed


def test_run__tool_sends_a_picture__is_a_stored_file_of_the_owner(member, scripted):
    scripted("paint", "{{ use.file }}")

    task = run(make_task(member))

    step = StepRun.objects.get(task=task, node="use")
    picture, sound, page, link = step.output["files"]
    stored = {str(file.pk): file for file in StoredFile.objects.filter(owner=member)}
    assert (task.status, task.output) == ("succeeded", {"text": picture})
    assert (step.output["file"], step.output["text"]) == (picture, "Painted hello.")
    assert (stored[picture].mime, stored[picture].width, stored[picture].height) == ("image/png", 6, 4)
    assert (stored[picture].purpose, stored[sound].purpose) == ("result", "stage")
    assert [stored[name].mime for name in (sound, page)] == ["audio/wav", "application/octet-stream"]
    assert link == {"type": "link", "uri": "https://example.com/more", "mime": "text/html", "name": "more"}


def test_run__tool_sends_no_picture_as_one__fails_and_keeps_nothing(member, scripted):
    scripted("smear", "{{ use.file }}")

    task = run(make_task(member))

    assert (task.status, task.error["code"]) == ("failed", "STORAGE_2001")
    assert not StoredFile.objects.exists()


def test_run__tool_fails_in_a_way_that_may_pass__is_called_once(member, scripted, called):
    scripted("die", "{{ use.said }}")

    task = run(make_task(member))

    assert (task.status, task.error["code"], called) == ("failed", "MCP_5001", ["die"])


def test_run__worker_died_in_mid_tool__is_not_called_again(member, scripted, called):
    scripted("echo", "{{ use.said }}")
    task = interrupted(make_task(member))

    ended = run(task)

    assert (ended.status, ended.error["code"], called) == ("failed", "PIPELINES_5004", [])


@pytest.mark.parametrize("who", ["people and server", "settings"])
def test_run__worker_died_in_mid_tool_that_may_be_repeated__is_called_again(member, scripted, called, settings, who):
    if who == "settings":
        settings.MCP_STDIO_CATALOGUE["scripted"]["repeatable"] = True
    scripted("echo", "{{ use.said }}")
    if who == "people and server":
        Tool.objects.update(repeatable=True, annotations={"idempotentHint": True})
        mcp.release_catalogue(by=None)
    task = interrupted(make_task(member), repeatable=True)

    ended = run(task)

    assert (ended.status, ended.output, called) == ("succeeded", {"text": "hello"}, ["echo"])
