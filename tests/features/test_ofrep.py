"""Features as flags of OpenFeature, in exactly the shape of its remote evaluation protocol (0.3)."""

from typing import Any

import jsonschema_rs
import pytest
from django.contrib.auth.models import Group

from apps.core.config import reader
from apps.core.lane.body import LARGEST
from apps.features.services import publish_feature
from tests.conftest import Api
from tests.features.builders import make_feature

pytestmark = pytest.mark.django_db(transaction=True)  # staff are looked up in a thread of their own

ALL = "/ofrep/v1/evaluate/flags"
ONE = ALL + "/{key}"

# The protocol's schemas, written down from its description: plain metadata, one value of one type, known words.
PLAIN = {"type": "object", "additionalProperties": {"type": ["boolean", "string", "number"]}}
FLAG = {
    "type": "object",
    "required": ["key", "reason", "value"],
    "properties": {
        "key": {"type": "string"},
        "reason": {"enum": ["STATIC", "TARGETING_MATCH", "SPLIT", "DISABLED", "UNKNOWN"]},
        "variant": {"type": "string"},
        "metadata": PLAIN,
        "value": {"type": "boolean"},
    },
    "additionalProperties": False,
}
FAILURE = {
    "type": "object",
    "required": ["errorCode"],
    "properties": {
        "key": {"type": "string"},
        "errorCode": {"enum": ["PARSE_ERROR", "TARGETING_KEY_MISSING", "INVALID_CONTEXT", "GENERAL", "FLAG_NOT_FOUND"]},
        "errorDetails": {"type": "string"},
    },
    "additionalProperties": False,
}
BULK = {
    "type": "object",
    "required": ["flags"],
    "properties": {"flags": {"type": "array", "items": FLAG}, "metadata": PLAIN},
    "additionalProperties": False,
}


@pytest.fixture
def catalogue(db):
    """One for everybody, one for admins, one switched off, one never released."""
    make_feature("open", title="Open", title_zh="公开", published=True)
    staff = make_feature("staff", title="Staff only")
    staff.roles.set([Group.objects.get(name="admin")])
    publish_feature("staff", by=None)
    make_feature("off", title="Switched off", enabled=False, published=True)
    make_feature("draft", title="Only a draft")
    reader.reset()


def one(user: Any, key: str = "open", body: Any = None, **kwargs: Any) -> Any:
    return Api(user).post(ONE.format(key=key), json={} if body is None else body, **kwargs)


def flags(user: Any, **context: Any) -> dict[str, dict[str, Any]]:
    answer = Api(user).post(ALL, json={"context": context})
    assert answer.status_code == 200, answer.text
    jsonschema_rs.Draft202012Validator(BULK).validate(answer.json())
    return {flag["key"]: flag for flag in answer.json()["flags"]}


def refused(answer: Any) -> tuple[int, str]:
    jsonschema_rs.Draft202012Validator(FAILURE).validate(answer.json())
    assert answer.json()["errorDetails"]
    assert answer.headers["X-Request-Id"]
    return answer.status_code, answer.json()["errorCode"]


def test_one__feature_for_all__is_static_and_says_which_version(catalogue, member):
    answer = one(member)

    revision = reader.scope_revision("feature")
    assert answer.status_code == 200
    assert answer.json() == {
        "key": "open",
        "value": True,
        "reason": "STATIC",
        "variant": "v1",
        "metadata": {"version": 1, "revision": revision, "title": "Open", "candidate": False},
    }
    assert (answer.headers["Cache-Control"], answer.headers["X-Config-Version"]) == ("no-store", str(revision))


def test_one__language__is_the_callers(catalogue, member):
    assert one(member, headers={"Accept-Language": "zh"}).json()["metadata"]["title"] == "公开"


def test_one__role_decides__is_a_targeting_match(catalogue, operator):
    flag = one(operator, "staff").json()

    assert (flag["value"], flag["reason"]) == (True, "TARGETING_MATCH")


@pytest.mark.parametrize("key", ["staff", "off", "draft", "ghost", "%00", "公开"])
@pytest.mark.parametrize("anonymous", [True, False])
def test_one__hidden_or_unknown__is_not_found(catalogue, member, key, anonymous):
    answer = one(None if anonymous else member, key)

    assert refused(answer) == (404, "FLAG_NOT_FOUND")


def test_one__not_found__names_the_key(catalogue):
    assert one(None, "ghost").json()["key"] == "ghost"


@pytest.mark.parametrize("role", ["viewer", "editor", "operator"])
def test_one__switched_off__staff_learn_that_it_is(catalogue, request, role):
    flag = one(request.getfixturevalue(role), "off").json()

    assert (flag["value"], flag["reason"], flag["variant"]) == (False, "DISABLED", "v1")


def test_all__each_audience__gets_its_flags_and_no_word_of_others(catalogue, member, operator, viewer):
    assert set(flags(None)) == set(flags(member)) == {"open"}
    assert set(flags(viewer)) == {"open", "off"}
    assert set(flags(operator)) == {"open", "staff", "off"}


def test_all__candidate_by_lot_or_by_role__says_which(catalogue, operator, member, monkeypatch):
    def candidates(scope: str, person: Any) -> frozenset[str]:
        by_role = {"staff"} if "admin" in person.roles else set()
        return frozenset(by_role | ({"open"} if person.id == str(operator.pk) else set()))

    monkeypatch.setattr(reader, "candidates_for", candidates)
    mine, theirs = flags(operator), flags(member)

    assert [(mine[k]["reason"], mine[k]["metadata"]["candidate"]) for k in ("open", "staff")] == [
        ("SPLIT", True),
        ("TARGETING_MATCH", True),
    ]
    assert (theirs["open"]["reason"], theirs["open"]["metadata"]["candidate"]) == ("STATIC", False)


def test_all__tag_known__304_until_something_is_released(catalogue, member):
    api = Api(member)
    first = api.post(ALL, json={})
    known = {"If-None-Match": first.headers["ETag"]}
    again = api.post(ALL, json={"context": {"targetingKey": "mia"}}, headers=known)
    make_feature("new", published=True)
    changed = api.post(ALL, json={}, headers=known)

    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert (changed.status_code, len(changed.json()["flags"])) == (200, 2)


def test_all__tags__differ_by_what_is_told(catalogue, member, viewer, operator):
    tags = [Api(user).post(ALL, json={}).headers["ETag"] for user in (None, member, viewer, operator)]

    assert len(set(tags)) == 4


# --- for somebody else ------------------------------------------------------------------------


def test_context__own_id_or_name__is_oneself(catalogue, member):
    assert [set(flags(member, targetingKey=name)) for name in (str(member.pk), "mia", "")] == [{"open"}] * 3


def test_context__other_properties__are_welcome(catalogue, member):
    assert set(flags(member, plan="premium", roles=None, nested={"a": [1]})) == {"open"}


def test_context__visitor_with_a_key__is_a_visitor(catalogue, operator):
    assert set(flags(None, targetingKey=str(operator.pk))) == {"open"}


@pytest.mark.parametrize("context", [{"targetingKey": "olga"}, {"targetingKey": "mia", "roles": ["admin"]}])
def test_context__member_asks_for_somebody_else__is_forbidden(catalogue, member, operator, context):
    answers = [one(member, body={"context": context}), Api(member).post(ALL, json={"context": context})]

    assert [refused(answer) for answer in answers] == [(403, "GENERAL")] * 2
    assert [answer.json().get("key") for answer in answers] == ["open", None]


def test_context__visitor_names_roles__has_to_sign_in(catalogue):
    answer = one(None, body={"context": {"targetingKey": "x", "roles": ["admin"]}})

    assert refused(answer) == (401, "GENERAL")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_context__viewer_asks_for_others__gets_what_they_would(catalogue, viewer, operator, member):
    hidden = {"off"}  # the viewer may know of it, whomever it asks for

    assert set(flags(viewer, targetingKey=str(operator.pk))) - hidden == {"open", "staff"}
    assert set(flags(viewer, targetingKey="olga")) - hidden == {"open", "staff"}
    assert set(flags(viewer, targetingKey="mia")) - hidden == {"open"}
    assert set(flags(viewer, targetingKey="nobody-we-know")) - hidden == {"open"}
    assert set(flags(viewer, targetingKey="nobody-we-know", roles=["admin"])) - hidden == {"open", "staff"}
    assert set(flags(viewer, targetingKey="olga", roles=[])) - hidden == {"open"}


def test_context__lot_of_a_named_person__falls_by_the_id(catalogue, viewer, member, monkeypatch):
    asked = []
    monkeypatch.setattr(reader, "candidates_for", lambda scope, person: asked.append(person.id) or frozenset())

    flags(viewer, targetingKey="mia")

    assert set(asked) == {str(member.pk), ""}


def test_context__right_was_lost_since_the_token__is_forbidden(catalogue, viewer):
    api = Api(viewer)
    viewer.groups.clear()

    assert refused(api.post(ALL, json={"context": {"targetingKey": "x"}})) == (403, "GENERAL")


def test_context__signed_out_since_the_token__is_forbidden(catalogue, viewer):
    api = Api(viewer)
    viewer.set_password("another-pass-2")
    viewer.save()

    assert refused(api.post(ALL, json={"context": {"targetingKey": "x"}})) == (403, "GENERAL")


@pytest.mark.parametrize(
    "context",
    [
        [],
        "text",
        3,
        {"targetingKey": 7},
        {"targetingKey": ["a"]},
        {"targetingKey": "x" * 201},
        {"targetingKey": "a", "roles": "admin"},
        {"targetingKey": "a", "roles": [1]},
        {"targetingKey": "a", "roles": ["r"] * 51},
    ],
)
def test_context__unreadable__is_invalid(catalogue, viewer, context):
    assert refused(one(viewer, body={"context": context})) == (400, "INVALID_CONTEXT")


def test_context__roles_of_nobody__lack_the_key(catalogue, viewer):
    assert refused(one(viewer, body={"context": {"roles": ["admin"]}})) == (400, "TARGETING_KEY_MISSING")


# --- refusals ---------------------------------------------------------------------------------

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("content", "headers", "told"),
    [
        (b"{", JSON, (400, "PARSE_ERROR")),
        (b"", JSON, (400, "PARSE_ERROR")),
        (b"{}", {"Content-Type": "text/plain"}, (415, "PARSE_ERROR")),
        (b" " * (LARGEST + 1), JSON, (413, "PARSE_ERROR")),
        (b"[]", JSON, (400, "INVALID_CONTEXT")),
        (b"{}", {**JSON, "Authorization": "Bearer nonsense"}, (401, "GENERAL")),
    ],
)
@pytest.mark.parametrize("path", [ALL, ONE.format(key="open")])
def test_request__bad__is_refused_in_the_protocols_shape(catalogue, path, content, headers, told):
    assert refused(Api().post(path, content=content, headers=headers)) == told


def test_request__another_method__is_refused_in_the_protocols_shape(catalogue):
    answer = Api().get(ALL)

    assert (refused(answer), answer.headers["Allow"]) == ((405, "GENERAL"), "POST")


def test_request__something_breaks__is_general_and_says_nothing_of_it(catalogue, monkeypatch):
    def explode(*args: Any) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(reader, "served", explode)
    answer = one(None)

    assert refused(answer) == (500, "GENERAL")
    assert "secret detail" not in answer.text


def test_one__visitor__asks_no_database(catalogue, django_assert_num_queries):
    one(None)

    with django_assert_num_queries(0):
        assert one(None).status_code == 200
