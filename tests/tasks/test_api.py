"""Lists, details and doors of the task API."""

import pytest

from apps.core import aio
from apps.core.storage.models import StoredFile
from apps.tasks.models import Task
from apps.tasks.runner import run_task
from tests.conftest import Api
from tests.tasks.builders import make_feature, make_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def feature():
    return make_feature()


def test_list__many_tasks__pages_without_gap_or_repeat(feature, member, stranger):
    wanted = [str(make_task(member).pk) for _ in range(45)]
    make_task(stranger)
    api, seen, cursor = Api(member), [], None

    while True:
        page = api.get("/api/v1/tasks", params={"cursor": cursor} if cursor else {}).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert seen == wanted[::-1]


def test_list__twenty_rows__two_queries(feature, member, django_assert_num_queries):
    for _ in range(20):
        make_task(member)
    api = Api(member)
    api.get("/api/v1/tasks")
    # the caller, the page
    with django_assert_num_queries(2):
        assert len(api.get("/api/v1/tasks").json()["items"]) == 20


@pytest.mark.parametrize("cursor", ["x", "eyJhIjoxfQ", "%00", "MjAyNi0xMS0yMnw", "a" * 500])
def test_list__cursor_tampered_with__400(feature, member, cursor):
    answer = Api(member).get("/api/v1/tasks", params={"cursor": cursor})

    assert (answer.status_code, answer.json()["reason"]) == (400, "E_CURSOR")


def test_create__valid__202_with_links(feature, member):
    answer = Api(member).post("/api/v1/tasks", json={"feature": "echo", "input": {"text": "hello"}})

    task = Task.objects.get()
    base = f"/api/v1/tasks/{task.pk}"
    assert answer.status_code == 202
    assert answer.json() == {
        "id": str(task.pk),
        "status": "queued",
        "links": {"self": base, "stream": f"{base}/stream", "ws": "/ws/", "cancel": f"{base}/cancel"},
    }


def test_create__refusals__documented_code_and_pointer(feature, member):
    api = Api(member)
    unknown = api.post("/api/v1/tasks", json={"feature": "nothing", "input": {}})
    invalid = api.post("/api/v1/tasks", json={"feature": "echo", "input": {"text": "x", "size": 100000}})
    shapeless = api.post("/api/v1/tasks", json={"feature": "echo", "input": "text"})
    nobody = Api().post("/api/v1/tasks", json={"feature": "echo", "input": {"text": "hello"}})

    assert (unknown.status_code, unknown.json()["code"]) == (404, "TASKS_2001")
    assert (invalid.status_code, invalid.json()["code"]) == (422, "TASKS_2002")
    assert {e["pointer"] for e in invalid.json()["details"]["errors"]} == {"/text", "/size"}
    assert (shapeless.status_code, shapeless.json()["code"]) == (400, "CORE_2000")
    assert (nobody.status_code, nobody.json()["code"]) == (401, "CORE_2001")
    assert not Task.objects.exists()


@pytest.mark.parametrize("path", ["", "/cancel"])
def test_read_or_cancel__stranger__404(feature, member, stranger, path):
    task = make_task(member)
    call = Api(stranger).post if path else Api(stranger).get

    assert call(f"/api/v1/tasks/{task.pk}{path}").status_code == 404
    task.refresh_from_db()
    assert task.status == "queued"


@pytest.mark.django_db(transaction=True)
def test_read__finished__allow_listed_fields_only(member):
    make_feature()
    task = make_task(member)
    aio.run(run_task(str(task.pk)), timeout=20)

    body = Api(member).get(f"/api/v1/tasks/{task.pk}").json()

    assert set(body) == {
        *("id", "feature", "title", "version", "status", "progress", "cost", "created_at", "finished_at", "input"),
        *(
            "output",
            "steps",
            "error",
            "model_used",
            "mock",
            "started_at",
            "last_seq",
            "questions",
            "files",
            "form",
            "output_form",
            "links",
        ),
    }
    assert [(s["node"], s["status"]) for s in body["steps"]] == [("start", "succeeded"), ("end", "succeeded")]
    assert (body["output"], body["last_seq"], body["progress"]) == ({"text": "hello"}, 7, 1.0)


@pytest.mark.django_db(transaction=True)
def test_read__value_too_large_for_its_row__comes_with_a_link_that_stays(member, monkeypatch):
    make_feature()
    monkeypatch.setattr("apps.tasks.shelf.LARGE", 10)
    task = make_task(member, text="far too long for a row")

    aio.run(run_task(str(task.pk)), timeout=20)

    body = Api(member).get(f"/api/v1/tasks/{task.pk}").json()
    named = body["output"]["text"]["$file"]
    assert body["files"][named]["mime"] == "application/json"
    kept = StoredFile.objects.get(pk=named)
    assert (kept.purpose, kept.expires_at) == (StoredFile.Purpose.RESULT, None)


def test_ticket__signed_in_only(member):
    assert Api().post("/api/v1/ws-ticket").status_code == 401
    assert len(Api(member).post("/api/v1/ws-ticket").json()["ticket"]) >= 32


def test_create__half_a_surrogate_pair__refused_as_input(feature, member):
    body = b'{"feature": "echo", "input": {"text": "half \\ud800"}}'
    answer = Api(member).post("/api/v1/tasks", content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (422, "TASKS_2002")
    assert not Task.objects.exists()
