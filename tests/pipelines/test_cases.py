"""Cases and pins of a pipeline, over the API and through the services."""

from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.publishing.canonical import sha256_of
from apps.pipelines import services
from apps.pipelines.models import Pipeline, PipelineCase
from apps.pipelines.services.cases import MAX_CASES
from apps.pipelines.services.pins import MAX_PINS
from tests.conftest import Api

ROOT = "/api/v1/admin/pipelines/p"
CASE = {
    "name": "A cup",
    "input": {"product": "cup"},
    "pins": {"cut": "white cup"},
    "mocks": {"copy": {"text": "A cup."}},
    "checks": [{"type": "contains", "value": "cup"}],
    "gated": False,
}
FILE = "6f1a3c1e-0000-4000-8000-000000000001"
PIN = {"node": "cut", "name": "white cup", "output": {"image": FILE}, "files": [FILE]}


@pytest.fixture
def pipeline(db: None) -> Pipeline:
    return Pipeline.objects.create(key="p", name="P")


def pointers(answer: Any) -> list[str]:
    return [error["pointer"] for error in answer.json()["details"]["errors"]]


def test_case__created__is_told_back_whole_and_has_a_history(editor: User, pipeline: Pipeline) -> None:
    answer = Api(editor).post(f"{ROOT}/cases", json=CASE)

    body = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    assert {name: body[name] for name in CASE} == CASE
    assert Api(editor).get(f"{ROOT}/cases").json()["items"] == [body]
    case = services.case_of("p", body["id"])
    assert case.as_judged() == CASE
    assert case.history.get().history_user == editor


def test_case__changed_twice_by_the_same_revision__second_is_stale(editor: User, pipeline: Pipeline) -> None:
    case = services.create_case("p", CASE, by=editor)
    api, address = Api(editor), f"{ROOT}/cases/{case.pk}"

    first = api.patch(address, json={"name": "B"}, headers={"If-Match": '"1"'})
    second = api.patch(address, json={"name": "C"}, headers={"If-Match": '"1"'})

    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    assert (second.status_code, second.json()["details"]) == (412, {"revision": 2})
    assert services.case_of("p", case.pk).name == "B"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"input": []}, "/input"),
        ({"pins": ["a"]}, "/pins"),
        ({"pins": {"cut": 5}}, "/pins/cut"),
        ({"mocks": {"copy": "text"}}, "/mocks/copy"),
        ({"checks": [{"type": "magic"}]}, "/checks/0/type"),
        ({"input": {"a": "x" * 1_000_001}}, ""),
    ],
)
def test_case__wrong__is_refused_with_its_place(
    editor: User, pipeline: Pipeline, fields: dict[str, Any], pointer: str
) -> None:
    answer = Api(editor).post(f"{ROOT}/cases", json={**CASE, **fields})

    assert (answer.status_code, answer.json()["code"]) == (422, "PIPELINES_2013")
    assert pointer in pointers(answer)
    assert not PipelineCase.objects.exists()


def test_case__taken_name_unknown_field_or_too_many__is_refused(editor: User, pipeline: Pipeline) -> None:
    services.create_case("p", CASE, by=editor)
    api = Api(editor)

    taken = api.post(f"{ROOT}/cases", json=CASE)
    unknown = api.post(f"{ROOT}/cases", json={**CASE, "name": "B", "colour": "red"})
    for number in range(MAX_CASES - 1):
        PipelineCase.objects.create(pipeline=pipeline, name=f"n{number}")
    many = api.post(f"{ROOT}/cases", json={**CASE, "name": "B"})

    assert [(one.status_code, one.json()["code"]) for one in (taken, unknown, many)] == [
        (409, "PIPELINES_2014"),
        (400, "CORE_2000"),
        (422, "PIPELINES_2015"),
    ]
    assert PipelineCase.objects.count() == MAX_CASES


def test_case__deleted__is_gone_and_its_history_stays(editor: User, pipeline: Pipeline) -> None:
    case = services.create_case("p", CASE, by=editor)

    answer = Api(editor).request("DELETE", f"{ROOT}/cases/{case.pk}", headers={"If-Match": '"1"'})

    assert answer.status_code == 204
    assert not PipelineCase.objects.exists()
    assert PipelineCase.history.filter(history_type="-").get().history_user == editor


def test_case__of_another_pipeline__is_404(editor: User, pipeline: Pipeline) -> None:
    other = Pipeline.objects.create(key="q", name="Q")
    case = services.create_case("q", CASE, by=editor)

    assert Api(editor).get(f"{ROOT}/cases/{case.pk}").status_code == 404
    assert other.cases.count() == 1


def test_pin__created__keeps_the_output_and_its_hash(editor: User, viewer: User, pipeline: Pipeline) -> None:
    answer = Api(editor).post(f"{ROOT}/pins", json=PIN)

    body = answer.json()
    assert answer.status_code == 201
    assert {name: body[name] for name in PIN} == PIN
    assert (body["sha256"], body["by"]) == (sha256_of(PIN["output"]), "eddy")
    assert Api(viewer).get(f"{ROOT}/pins").json()["items"] == [body]
    assert Api(viewer).get(f"{ROOT}/pins/{body['id']}").json() == body


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"output": []}, 422, "PIPELINES_2016"),
        ({"output": {"a": "x" * 1_000_001}}, 422, "PIPELINES_2016"),
        ({"files": ["../etc/passwd"]}, 422, "PIPELINES_2016"),
        ({"files": FILE}, 422, "PIPELINES_2016"),
        ({"node": ""}, 400, "CORE_2000"),
        ({"node": "x" * 41}, 400, "CORE_2000"),
        ({"sha256": "abc"}, 400, "CORE_2000"),
    ],
)
def test_pin__wrong__is_refused(
    editor: User, pipeline: Pipeline, fields: dict[str, Any], status: int, code: str
) -> None:
    answer = Api(editor).post(f"{ROOT}/pins", json={**PIN, **fields})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not pipeline.pins.exists()


def test_pin__taken_name_or_too_many__is_refused(editor: User, pipeline: Pipeline) -> None:
    services.create_pin("p", PIN, by=editor)

    taken = Api(editor).post(f"{ROOT}/pins", json=PIN)
    for number in range(MAX_PINS - 1):
        pipeline.pins.create(node="cut", name=f"n{number}", sha256="a")
    many = Api(editor).post(f"{ROOT}/pins", json={**PIN, "name": "B"})

    assert [(one.status_code, one.json()["code"]) for one in (taken, many)] == [
        (409, "PIPELINES_2017"),
        (422, "PIPELINES_2018"),
    ]
    assert pipeline.pins.count() == MAX_PINS


def test_pin__deleted__is_gone(editor: User, viewer: User, pipeline: Pipeline) -> None:
    pin = services.create_pin("p", PIN, by=editor)

    refused = Api(viewer).request("DELETE", f"{ROOT}/pins/{pin.pk}")
    gone = Api(editor).request("DELETE", f"{ROOT}/pins/{pin.pk}")

    assert (refused.status_code, gone.status_code) == (403, 204)
    assert not pipeline.pins.exists()
