"""Watching a trial: one line for each step, reconnecting, and where and why it failed."""

import json
from typing import Any

import pytest

from apps.tasks.models import Status, Task
from apps.tasks.trials import services
from tests.conftest import Api
from tests.tasks.trials.builders import CHAT, chain, make_pipeline, wish
from tests.tasks.trials.states import end, log, log_step, make_step

pytestmark = pytest.mark.django_db(transaction=True)

USAGE = {"cost_micro": 40, "input_tokens": 3, "output_tokens": 5, "model_used": "gpt", "mock": False}


def read(answer: Any) -> list[tuple[str, str, dict]]:
    """The events of a stream: id, name, data."""
    found = []
    for block in answer.text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "event" in lines:
            found.append((lines["id"], lines["event"], json.loads(lines["data"])))
    return found


def stream(user: Any, task: Task, **headers: str) -> Any:
    return Api(user).get(f"/api/v1/admin/trials/{task.pk}/stream", headers=headers)


@pytest.fixture
def trial(editor) -> Task:
    make_pipeline(graph=chain(CHAT, result="{{ copy.text }}"))
    return services.start_trial(editor, "draft", wish())


@pytest.fixture
def finished(trial) -> Task:
    make_step(trial, "start", "start", {"text": "tea"}, inputs={"text": "tea"})
    log_step(trial, "start", "start", "running")
    log_step(trial, "start", "start", "succeeded")
    log(trial, "running", {"attempt": 1})
    log(trial, "delta", {"node": "copy", "text": "Hot ", "offset": 0})
    log(trial, "log", {"node": "copy", "path": "copy", "level": "warning", "message": "slow"})
    make_step(trial, "copy", "llm_chat", {"text": "Hot tea"}, inputs={"text": "Write"}, usage=USAGE)
    log_step(trial, "copy", "llm_chat", "succeeded")
    end(trial, Status.SUCCEEDED, output={"text": "Hot tea"})
    return trial


def test_stream__from_the_start__each_step_with_what_went_in_and_came_out(finished, editor):
    answer = stream(editor, finished)

    told = read(answer)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert [(seq, name) for seq, name, _data in told] == [
        ("1", "start"), ("2", "step"), ("3", "step"), ("5", "delta"), ("6", "log"), ("7", "step"), ("8", "done"),
    ]  # fmt: skip
    start, begun, _ended, _delta, note, copy, done = (data for _seq, _name, data in told)
    assert (start["trial"], start["mode"], start["mock"]) == (str(finished.pk), "mock", True)
    assert start["order"] == ["start", "copy", "end"]
    assert (begun["status"], begun["input"], begun["output"], begun["duration"]) == (
        "running",
        {"text": "tea"},
        None,
        None,
    )
    assert (note["step"], note["level"], note["log"]) == ("copy", "warning", "slow")
    assert (copy["step"], copy["status"], copy["duration"]) == ("copy", "succeeded", 1.0)
    assert (copy["input"], copy["output"]) == ({"text": "Write"}, {"text": "Hot tea"})
    assert (copy["cost_micro"], copy["model"], copy["pinned"]) == (40, "gpt", False)
    assert (done["status"], done["output"], done["cost_micro"]) == ("succeeded", {"text": "Hot tea"}, 40)
    assert done["totals"] == {"steps": 2, "calls": 0, "input_tokens": 3, "output_tokens": 5}


def test_stream__reconnected__only_what_was_missed(finished, editor):
    told = read(stream(editor, finished, **{"Last-Event-ID": "6"}))

    assert [(seq, name) for seq, name, _data in told] == [("7", "step"), ("8", "done")]


def test_stream__everything_seen__204(finished, editor):
    assert stream(editor, finished, **{"Last-Event-ID": "8"}).status_code == 204


def test_stream__nonsense_position__from_the_start(finished, editor):
    assert read(stream(editor, finished, **{"Last-Event-ID": "latest"}))[0][1] == "start"


def test_stream__failed__says_where_why_and_what_to_do(trial, editor):
    error = {"code": "PIPELINES_5001", "reason": "E_NODE_TIMEOUT", "message": "Too slow.", "retryable": True}
    make_step(trial, "copy", "llm_chat", None, status="failed", error=error)
    log_step(trial, "copy", "llm_chat", "failed")
    end(trial, Status.FAILED, error=error)

    _start, (_seq, _name, step), (_last, name, told) = read(stream(editor, trial))

    assert (step["status"], step["error"]["code"]) == ("failed", "PIPELINES_5001")
    assert name == "error"
    assert (told["code"], told["node"], told["field"]) == ("PIPELINES_5001", "copy", "policy.timeout")
    assert told["hint"] == "Raise the step's time limit, or give it less to do."
    assert told["requestId"] == trial.request_id


def test_stream__cancelled__ends_with_an_error_that_says_so(trial, editor):
    services.cancel_trial(editor, str(trial.pk))

    assert [(name, data.get("code")) for _seq, name, data in read(stream(editor, trial))][-1] == ("error", "TASKS_2031")


def test_stream__a_large_value__is_told_by_its_beginning(trial, editor):
    make_step(trial, "copy", "llm_chat", {"text": "x" * 40_000})
    log_step(trial, "copy", "llm_chat", "succeeded")
    end(trial, Status.SUCCEEDED, output={"text": "y"})

    step = read(stream(editor, trial))[1][2]

    assert (step["output"]["$file"], step["output"]["bytes"], len(step["output"]["preview"])) == ("", 40_011, 500)


def test_stream__strangers__refused(finished, member, stranger):
    for person, status in ((member, 404), (stranger, 404), (None, 401)):
        assert stream(person, finished).status_code == status


# --- starting over HTTP -------------------------------------------------------------------------


def test_start__over_http__202_with_its_addresses(editor):
    make_pipeline()

    answer = Api(editor).post("/api/v1/admin/pipelines/draft/test", json={"input": {"text": "tea"}})

    told = answer.json()
    assert answer.status_code == 202
    assert told["links"]["stream"] == f"/api/v1/admin/trials/{told['trial']}/stream"
    assert Task.objects.get(pk=told["trial"]).kind == "trial"


def test_start__over_http__every_refusal_in_the_one_shape(editor, viewer):
    make_pipeline()
    path = "/api/v1/admin/pipelines/draft/test"

    assert Api(editor).post(path, json={"mode": "cheap"}).json()["details"]["errors"][0]["pointer"] == "/mode"
    assert Api(editor).post(path, content=b"{").status_code in (400, 415, 422)
    assert Api(viewer).post(path, json={}).status_code == 403
    assert Api(None).post(path, json={}).status_code == 401
    assert Api(editor).post("/api/v1/admin/pipelines/nope/test", json={}).json()["code"] == "TASKS_2034"
    assert Api(editor).get(path).status_code == 405
    refused = Api(editor).post(path, json={"graph": {"nodes": [], "edges": []}})
    assert (refused.status_code, refused.json()["code"]) == (422, "TASKS_2032")
    assert {"code", "message", "node", "field", "severity"} <= refused.json()["details"]["problems"][0].keys()
    assert not Task.objects.exists()


def test_read__a_finished_trial__everything_at_once(finished, editor):
    told = Api(editor).get(f"/api/v1/admin/trials/{finished.pk}").json()

    assert (told["status"], told["pipeline"], told["mode"], told["charged"]) == ("succeeded", "draft", "mock", 0)
    assert [(step["path"], step["status"]) for step in told["steps"]] == [("start", "succeeded"), ("copy", "succeeded")]
    assert (told["cost_micro"], told["error"], told["verdicts"], told["last_seq"]) == (40, None, None, 8)


def test_cancel__over_http__once(trial, editor):
    path = f"/api/v1/admin/trials/{trial.pk}/cancel"

    assert Api(editor).post(path).json()["status"] == "cancelled"
    assert Api(editor).post(path).json()["code"] == "TASKS_2004"
