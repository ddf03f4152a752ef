"""How configuration travels: tags from revision and audience, shared bytes, compression, gradual releases."""

import pytest
from django.contrib.auth.models import Group
from django.test import override_settings
from guardian.shortcuts import assign_perm

from apps.core.config import reader
from apps.core.lane.bodies import Bodies
from apps.core.publishing.services import start_rollout
from apps.features import delivery, feed
from apps.features.models import Feature
from apps.features.publishing import SCOPE
from apps.features.services import publish_feature
from tests.conftest import Api, make_user
from tests.features.builders import FORM, make_feature

ADDRESSES = ["/api/v1/ui/menus", "/api/v1/ui/features", "/api/v1/ui/schema", "/api/v1/ui/schema?feature=greeter"]


@pytest.fixture
def greeter(db):
    return make_feature(published=True)


def tag(user, address: str = ADDRESSES[0], **headers: str) -> str:  # type: ignore[no-untyped-def]
    return Api(user).get(address, headers=headers).headers["ETag"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_read__tag_known__builds_and_reads_no_payload(greeter, member, monkeypatch, address):
    known = tag(member, address)
    delivery.bodies.clear()

    def fail(*args, **kwargs):  # type: ignore[no-untyped-def]
        raise AssertionError("built something")

    monkeypatch.setattr(reader, "served", fail)
    monkeypatch.setattr(Bodies, "get", fail)
    answer = Api(member).get(address, headers={"If-None-Match": f'"other", W/{known}'})

    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", known)
    assert answer.headers["X-Config-Version"] == str(reader.scope_revision(SCOPE))


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("header", ['"other"', "other", "", '"', "W/"])
def test_read__another_tag__whole_answer(greeter, member, address, header):
    assert Api(member).get(address, headers={"If-None-Match": header}).status_code == 200


def test_read__part_of_the_tag__is_not_the_tag(greeter, member):
    known = tag(member)

    assert Api(member).get(ADDRESSES[0], headers={"If-None-Match": f'{known[:-1]}x"'}).status_code == 200


def test_read__star__304_for_what_is_there_and_404_for_what_is_not(greeter, member):
    star = {"If-None-Match": "*"}

    assert [Api(member).get(address, headers=star).status_code for address in ADDRESSES] == [304] * 4
    assert Api(member).get("/api/v1/ui/schema?feature=ghost", headers=star).status_code == 404


def test_tag__same_audience__is_the_same_for_two_people_and_after_a_restart(greeter, member, stranger):
    before = tag(member)
    delivery.forget()
    delivery.tag_of.cache_clear()
    reader.reset()

    assert tag(stranger) == before


def test_tag__another_product_version_address_or_language__differs(greeter, member):
    tags = [tag(member), *(tag(member, address) for address in ADDRESSES[1:]), tag(member, **{"Accept-Language": "zh"})]
    with override_settings(VERSION="9.9.9"):
        tags.append(tag(member))

    assert len(set(tags)) == 6


def test_tag__role_that_no_payload_names__splits_nothing(greeter, member, editor, operator):
    assert len({tag(user) for user in (member, editor, operator)}) == 1
    assert len(delivery.bodies) == 1


def test_tag__role_named_by_a_feature_or_by_a_field__matters(greeter, member, editor, operator):
    greeter.roles.set(Group.objects.filter(name__in=["admin", "member", "editor"]))
    secret = {"type": "string", "x-roles": ["admin"]}
    Feature.objects.update(form_schema={**FORM, "properties": {**FORM["properties"], "secret": secret}})
    publish_feature("greeter", by=None)
    reader.reset()

    bodies = {
        user.username: Api(user).get(ADDRESSES[3])
        for user in (member, editor, operator, make_user("vic", role="viewer"))
    }

    assert {name: answer.status_code for name, answer in bodies.items()} == {
        "mia": 200,
        "eddy": 200,
        "olga": 200,
        "vic": 404,
    }
    assert ["secret" in bodies[name].text for name in ("mia", "eddy", "olga")] == [False, False, True]
    assert len({bodies[name].headers["ETag"] for name in ("mia", "eddy", "olga")}) == 3


def test_read__candidate_for_some__each_gets_the_own_version_and_tag(greeter, member, stranger, operator):
    Feature.objects.update(title="Tried out")
    start_rollout(SCOPE, "greeter", percent=0, roles=["admin"], by=None)
    reader.reset()

    answers = [Api(user).get(ADDRESSES[3]) for user in (operator, member, stranger, None)]

    assert [a.json()["feature"]["version"] for a in answers] == [2, 1, 1, 1]
    assert ["Tried out" in a.text for a in answers] == [True, False, False, False]
    assert len({a.headers["ETag"] for a in answers}) == 3  # candidate; stable; stable and not signed in


def test_read__candidate_hides_a_field_from_a_role_no_stable_payload_names__each_sees_its_own(
    greeter, member, operator
):
    secret = {"type": "string", "x-roles": ["admin"]}
    Feature.objects.update(form_schema={**FORM, "properties": {**FORM["properties"], "secret": secret}})
    start_rollout(SCOPE, "greeter", percent=100, roles=[], by=None)
    reader.reset()

    assert ["secret" in Api(user).get(ADDRESSES[3]).text for user in (operator, member, None)] == [True, False, False]


def test_read__release_was_missed__answers_are_not_taken_for_those_after_it(greeter, member, monkeypatch):
    before = tag(member)
    monkeypatch.setattr(type(reader), "has_gap", True)

    answer = Api(member).get(ADDRESSES[0], headers={"If-None-Match": before})

    assert (answer.status_code, answer.headers["ETag"] != before) == (200, True)


def test_read__payload_cannot_be_had__former_one_goes_out_and_is_not_kept(greeter, member, monkeypatch):
    former = reader.all(SCOPE)
    Feature.objects.update(title="Newer")
    publish_feature("greeter", by=None)
    reader.reset()
    reader.all(SCOPE)
    with monkeypatch.context() as trouble:
        trouble.setattr(reader, "served", lambda scope, person: former)
        answer = Api(member).get(ADDRESSES[0])
    delivery.forget()

    assert (answer.status_code, "Newer" in answer.text) == (200, False)
    assert (answer.headers["Cache-Control"], "ETag" in answer.headers) == ("no-store", False)
    assert "Newer" in Api(member).get(ADDRESSES[0]).text


def test_bodies__payload_could_not_be_had__nothing_is_kept(greeter, member, monkeypatch):
    monkeypatch.setattr(delivery, "is_current", lambda released: False)

    Api(member).get(ADDRESSES[0])

    assert (len(delivery.bodies), delivery._named) == (0, {})


def test_read__granted_by_name__sees_it_whatever_the_roles(greeter, member, stranger):
    greeter.roles.set(Group.objects.filter(name="admin"))
    publish_feature("greeter", by=None)
    assign_perm("run_feature", member, greeter)
    reader.reset()

    answers = [Api(user).get(ADDRESSES[2]) for user in (member, stranger)]
    flags = [Api(user).post("/ofrep/v1/evaluate/flags", json={}).json()["flags"] for user in (member, stranger)]

    assert [a.json()["permissions"] for a in answers] == [{"greeter": {"run": True}}, {}]
    assert answers[0].headers["ETag"] != answers[1].headers["ETag"]
    assert [[flag["reason"] for flag in told] for told in flags] == [["TARGETING_MATCH"], []]


def many_features() -> None:
    for number in range(12):
        make_feature(f"feature-{number}", published=True)


def test_read__gzip_wanted__same_content_and_a_tag_of_its_own(db, member):
    many_features()
    api = Api(member)

    plain = api.get(ADDRESSES[2], headers={"Accept-Encoding": "identity"})
    zipped = api.get(ADDRESSES[2], headers={"Accept-Encoding": "gzip"})

    assert (plain.headers.get("Content-Encoding"), zipped.headers["Content-Encoding"]) == (None, "gzip")
    assert zipped.content == plain.content  # httpx has unpacked it
    assert int(zipped.headers["Content-Length"]) < len(plain.content) / 4
    assert zipped.headers["ETag"] == plain.headers["ETag"][:-1] + '-gz"'
    assert plain.headers["Vary"] == zipped.headers["Vary"] == "Authorization, Accept-Language, Accept-Encoding"
    assert len(delivery.bodies) == 1


def test_read__tag_of_the_other_encoding__only_whoever_takes_it_gets_304(db, member):
    many_features()
    api = Api(member)
    plain, zipped = tag(member, ADDRESSES[2], **{"Accept-Encoding": "identity"}), tag(member, ADDRESSES[2])

    def status(known: str, encoding: str) -> int:
        return api.get(ADDRESSES[2], headers={"If-None-Match": known, "Accept-Encoding": encoding}).status_code

    assert (status(plain, "identity"), status(zipped, "gzip"), status(plain, "gzip")) == (304, 304, 304)
    assert status(zipped, "identity") == 200


def test_read__few_bytes__are_not_compressed(greeter, member):
    answer = Api(member).get(ADDRESSES[0], headers={"Accept-Encoding": "gzip"})

    assert ("Content-Encoding" in answer.headers, answer.headers["ETag"].endswith('-gz"')) == (False, False)


def test_read__head__has_the_headers_of_get(greeter, member):
    get, head = (Api(member).request(method, ADDRESSES[0]) for method in ("GET", "HEAD"))

    assert (head.status_code, head.headers["ETag"]) == (200, get.headers["ETag"])


@pytest.mark.parametrize(("age", "told"), [(0.0, None), (29.9, None), (30.1, "30"), (75.6, "75")])
def test_read__not_confirmed_for_long__says_its_age(greeter, member, monkeypatch, age, told):
    monkeypatch.setattr(reader, "age", lambda: age, raising=False)

    answer = Api(member).get(ADDRESSES[0])

    assert (answer.headers["X-Config-Version"], answer.headers.get("Age")) == (str(answer.json()["revision"]), told)


def test_menus__built_for_a_viewer__need_no_request(greeter):
    (group,) = feed.menus(reader.all(SCOPE), feed.Viewer(language="zh-hans"))

    assert (group.title, [item.title for item in group.items]) == ("文字", ["问候"])
