"""The management API of endpoints: whole rows in, masks out, and no write over what somebody else wrote."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.config import reader
from apps.core.lane.identity import KeyGrant, Principal
from apps.core.publishing.models import Snapshot
from apps.providers.catalogue import every_model
from apps.providers.faces.feed import _allowed
from apps.providers.models import Endpoint, Offer, Secret
from apps.providers.services import read_secret, release_catalogue
from tests.conftest import Api
from tests.features.builders import make_feature, make_model
from tests.providers.builders import KEY

ADDRESS = "/api/v1/admin/providers"
BODY: dict[str, Any] = {
    "key": "openai",
    "name": "OpenAI",
    "handler": "openai",
    "base_url": "https://api.example.com/v1",
    "rpm": 60,
    "secret": KEY,
    "offers": [{"model": "gpt-test", "capabilities": ["chat", "tools"], "prices": {"input": 5, "output": None}}],
}


@pytest.fixture
def made(operator):
    answer = Api(operator).post(ADDRESS, json=BODY)
    assert answer.status_code == 201, answer.text
    return answer


def send(user: Any, method: str, path: str = "/openai", *, revision: object = 1, **body: Any) -> Any:
    return Api(user).request(method, ADDRESS + path, json=body, headers={"If-Match": f'"{revision}"'})


def test_create__whole_body__is_there_and_live(made, operator):
    told = made.json()

    assert made.headers["ETag"] == '"1"'
    assert (told["key"], told["handler"], told["rpm"], told["revision"]) == ("openai", "openai", 60, 1)
    assert (told["key_in_use"]["state"], told["key_in_use"]["hint"]) == ("kept", "…cdef")
    assert told["offers"][0] == {
        "model": "gpt-test",
        "capabilities": ["chat", "tools"],
        "context_window": 8192,
        "max_output": 0,
        "quality": 50,
        "enabled": True,
        "prices": {"input": 5, "output": None, "cached": None, "image": None, "call": None},
    }
    assert KEY not in made.text
    assert read_secret(Endpoint.objects.get().pk) == KEY
    reader.reset()
    assert [candidate.model for candidate in every_model()] == ["gpt-test"]


@pytest.mark.parametrize(
    ("change", "status", "pointer"),
    [
        ({"key": "OpenAI"}, 400, "/key"),
        ({"key": "test"}, 409, None),
        ({"handler": "abacus"}, 400, "/handler"),
        ({"base_url": "file:///etc/passwd"}, 400, "/base_url"),
        ({"timeout": 0}, 400, "/timeout"),
        ({"rpm": -1}, 400, "/rpm"),
        ({"colour": "red"}, 400, "/colour"),
        ({"offers": [{"model": "a"}, {"model": "A"}]}, 400, "/offers"),
        ({"offers": [{"model": "a", "capabilities": ["draw"]}]}, 400, "/offers/0/capabilities/0"),
        ({"offers": [{"model": "a", "prices": {"input": -1}}]}, 400, "/offers/0/prices/input"),
        ({"secret": "ключ"}, 422, None),
        ({"secret": "a\nb"}, 422, None),
    ],
)
def test_create__unfit__is_refused_by_name_and_nothing_is_kept(operator, change, status, pointer):
    answer = Api(operator).post(ADDRESS, json={**BODY, **change})

    assert answer.status_code == status
    if pointer:
        assert pointer in [error["pointer"] for error in answer.json()["details"]["errors"]]
    assert (Endpoint.objects.count(), Secret.objects.count(), Snapshot.objects.count()) == (0, 0, 0)


def test_create__key_taken__is_a_conflict(made, operator):
    assert Api(operator).post(ADDRESS, json=BODY).json()["code"] == "PROVIDERS_2010"
    assert Endpoint.objects.count() == 1


def test_update__seen_revision__changes_and_releases(made, operator):
    answer = send(
        operator, "PATCH", name="Renamed", offers=[{"model": "gpt-test"}, {"model": "new", "capabilities": ["chat"]}]
    )

    assert (answer.status_code, answer.json()["name"], answer.headers["ETag"]) == (200, "Renamed", '"2"')
    assert dict(Offer.objects.values_list("model", "price_input")) == {"gpt-test": 5, "new": None}
    assert Snapshot.objects.filter(scope="providers").latest("version").payload["endpoints"][0]["name"] == "Renamed"


def test_update__stale_revision__says_what_changed_and_writes_nothing(made, operator, editor):
    send(editor, "PATCH", name="Mine", rpm=5)

    answer = send(operator, "PATCH", name="Yours")

    told = answer.json()
    assert (answer.status_code, told["code"], told["details"]["revision"]) == (412, "CORE_2007", 2)
    assert {(c["field"], c["from"], c["to"]) for c in told["details"]["changes"]} == {
        ("name", "OpenAI", "Mine"),
        ("rpm", 60, 5),
    }
    assert [edit["by"] for edit in told["details"]["edits"]] == ["eddy"]
    assert Endpoint.objects.get().name == "Mine"


def test_update__without_the_revision__is_asked_for_it(made, operator):
    assert Api(operator).patch(f"{ADDRESS}/openai", json={"name": "x"}).status_code == 400
    assert Endpoint.objects.get().revision == 1


@pytest.mark.parametrize(
    "change", [{"base_url": "https://elsewhere.example"}, {"handler": "mock"}, {"kind": "sidecar"}]
)
def test_update__other_address_without_its_key__is_refused(made, operator, change):
    answer = send(operator, "PATCH", **change)

    assert (answer.status_code, answer.json()["code"]) == (422, "PROVIDERS_2011")
    row = Endpoint.objects.get()
    assert (row.base_url, row.handler_key, row.kind, row.revision) == (BODY["base_url"], "openai", "direct", 1)


def test_update__other_address_with_its_key__is_saved(made, operator):
    answer = send(operator, "PATCH", base_url="https://elsewhere.example", secret="sk-for-elsewhere-123")

    assert (answer.status_code, answer.json()["key_in_use"]["hint"]) == (200, "…-123")


def test_update__last_route_of_a_feature__is_refused_with_the_users(operator):
    make_feature(published=True)
    reader.reset()

    answer = send(operator, "PATCH", "/mock", enabled=False)

    assert (answer.status_code, answer.json()["code"]) == (409, "CORE_2021")
    assert [use["key"] for use in answer.json()["details"]["uses"]] == ["greeter"]
    assert Endpoint.objects.get().enabled is True
    assert send(operator, "DELETE", "/mock").json()["code"] == "CORE_2021"
    assert Endpoint.objects.count() == 1


def test_delete__unused__goes_with_its_key(made, operator):
    assert send(operator, "DELETE").status_code == 204
    assert (Endpoint.objects.count(), Secret.objects.count()) == (0, 0)
    assert Snapshot.objects.filter(scope="providers").latest("version").payload["endpoints"] == []


def test_secret__put__takes_the_place_and_shows_its_mask(made, operator):
    answer = Api(operator).request("PUT", f"{ADDRESS}/openai/secret", json={"secret": "sk-second-0123456789"})

    assert (answer.status_code, answer.json()["key_in_use"]["hint"]) == (200, "…6789")
    assert "sk-second" not in answer.text
    assert read_secret(Endpoint.objects.get().pk) == "sk-second-0123456789"


def test_list__filters_and_pages__in_a_fixed_number_of_queries(made, operator):
    api = Api(operator)
    with CaptureQueriesContext(
        connection,
    ) as few:
        api.get(ADDRESS)
    for number in range(12):
        make_model(f"m{number}", enabled=number % 2 == 0)
    with CaptureQueriesContext(connection) as many:
        first = api.get(ADDRESS, params={"limit": 5}).json()

    assert len(many) == len(few)
    assert [item["key"] for item in first["items"]] == ["m11", "m10", "m9", "m8", "m7"]
    rest = api.get(ADDRESS, params={"limit": 100, "cursor": first["next"]}).json()
    assert (len(rest["items"]), rest["next"], rest["items"][-1]["key"]) == (8, None, "openai")
    keys = lambda **asked: [i["key"] for i in api.get(ADDRESS, params=asked | {"limit": 50}).json()["items"]]  # noqa: E731
    assert len(keys(enabled="false")) == 6
    assert keys(handler="openai") == keys(q="gpt-te") == ["openai"]
    assert api.get(ADDRESS, params={"enabled": "maybe"}).status_code == 400


def test_every_call__by_role__is_let_in_as_the_policy_says(made, viewer, editor, member):
    assert Api(viewer).get(f"{ADDRESS}/openai").status_code == 200
    assert send(viewer, "PATCH", name="x").status_code == 403
    assert send(editor, "DELETE").status_code == 403
    assert Api(viewer).post(f"{ADDRESS}/test", json={"handler": "mock"}).status_code == 403
    assert Api(member).get(ADDRESS).status_code == 403
    assert Endpoint.objects.get().name == "OpenAI"


def test_secret__of_who_may_not_write_keys__is_refused_through_every_door(made, editor, monkeypatch):
    from apps.providers.api import endpoints

    monkeypatch.setattr(endpoints, "allows", lambda _user, right, *_: right != "secrets:write")

    assert send(editor, "PATCH", secret="sk-somebody-else-s").status_code == 403
    assert read_secret(Endpoint.objects.get().pk) == KEY


def test_test__mock__works_and_keeps_nothing_unless_it_is_kept(operator):
    make_model("mock")

    loose = Api(operator).post(f"{ADDRESS}/test", json={"handler": "mock"}).json()
    kept = Api(operator).post(f"{ADDRESS}/mock/test").json()

    assert (loose["ok"], loose["missing"], kept["missing"]) == (True, [], ["mock-1"])
    assert Api(operator).get(f"{ADDRESS}/mock").json()["health"]["ok"] is True


def test_feed__models__without_addresses_and_with_a_304(made, member):
    make_model("mock", priority=1000)
    Offer.objects.filter(model="mock-1").update(model="gpt-test")
    release_catalogue(by=None)
    reader.reset()

    answer = Api(member).get("/api/v1/ui/models")

    (item,) = answer.json()["items"]
    assert (item["model"], item["endpoints"], item["mock"]) == ("gpt-test", 2, False)
    assert item["capabilities"] == ["chat", "tools"]
    assert item["prices"]["input"] == 5
    assert "example.com" not in answer.text
    again = Api(member).get("/api/v1/ui/models", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert Api(None).get("/api/v1/ui/models").status_code == 401
    assert Api(member).get("/api/v1/ui/models", params={"capability": "image"}).json() == {"items": []}


def test_feed__key_kept_to_some_models__sees_those_alone(made):
    reader.reset()
    grant = KeyGrant(id=1, models=frozenset({"other"}))
    principal = Principal(1, "x", frozenset(), 0, key=grant)

    assert _allowed(principal, every_model()) == []
