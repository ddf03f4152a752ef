"""What front ends read: released content for their audience, with ETags, and nothing else."""

import json

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group

from apps.core.config import reader
from apps.core.config.heads import HeadState
from apps.core.config.invalidation import Invalidation
from apps.features import delivery, ui
from apps.features.models import Feature
from apps.features.services import publish_feature
from tests.conftest import Api, make_user
from tests.features.builders import make_feature

ADDRESSES = ["/api/v1/ui/menus", "/api/v1/ui/features", "/api/v1/ui/schema"]


@pytest.fixture
def catalogue(db):
    """One for everybody, one for admins, one switched off, one never released."""
    make_feature("open", title="Open", title_zh="公开", order=20, published=True)
    staff = make_feature("staff", title="Staff only", order=10)
    staff.roles.set([Group.objects.get(name="admin")])
    publish_feature("staff", by=None)
    make_feature("off", title="Switched off", enabled=False, published=True)
    make_feature("draft", title="Only a draft")
    reader.reset()


def shown(user) -> list[str]:  # type: ignore[no-untyped-def]
    groups = Api(user).get("/api/v1/ui/menus").json()["groups"]
    return [item["feature"] for group in groups for item in group["items"]]


@pytest.mark.parametrize(("role", "keys"), [("member", ["open"]), ("editor", ["open"]), ("admin", ["staff", "open"])])
def test_menus__role__sees_its_features_in_order(catalogue, role, keys):
    assert shown(make_user("pat", role=role)) == keys


def test_menus__anonymous__sees_but_may_not_run(catalogue, member):
    def runs(user) -> list[bool]:  # type: ignore[no-untyped-def]
        groups = Api(user).get("/api/v1/ui/menus").json()["groups"]
        return [item["permissions"]["run"] for group in groups for item in group["items"]]

    assert (shown(None), runs(None), runs(member)) == (["open"], [False], [True])


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("role", [None, "member", "viewer", "editor"])
def test_read__hidden_features__never_leak(catalogue, address, role):
    text = Api(make_user("pat", role=role) if role else None).get(address).text

    assert "Open" in text
    assert not [word for word in ("Staff only", "Switched off", "Only a draft", '"staff"', '"off"') if word in text]


@pytest.mark.parametrize("key", ["staff", "off", "draft", "unheard-of", "", "../open"])
def test_schema__hidden_or_unknown_feature__is_not_released(catalogue, member, key):
    answer = Api(member).get("/api/v1/ui/schema", params={"feature": key})

    assert (answer.status_code, answer.json()["code"]) == (404, "CORE_2013")


def test_schema__one_feature__has_form_and_output_but_no_insides(catalogue, member):
    body = Api(member).get("/api/v1/ui/schema?feature=open").json()

    assert set(body) == {"revision", "feature", "form", "output", "table", "permissions"}
    assert body["feature"]["cost"] == 2
    assert "Greet" not in json.dumps(body)
    assert "graph" not in json.dumps(body)


def test_features__list__names_parts_without_their_content(catalogue, member):
    (item,) = Api(member).get("/api/v1/ui/features").json()["items"]

    assert (item["key"], item["version"], item["route"], item["prompts"]) == ("open", 1, "/f/open", ["greeting"])
    assert "Greet" not in json.dumps(item)


@pytest.mark.parametrize(
    ("accept", "title", "field"),
    [
        ("zh-CN,zh;q=0.9", "公开", "名字"),
        ("zh-hans", "公开", "名字"),
        ("en-GB", "Open", "Name"),
        ("fr", "Open", "Name"),
        ("", "Open", "Name"),
        ("*", "Open", "Name"),
        ("zh;q=0.1, en;q=0.9", "Open", "Name"),
        (";;;q=x,\xff", "Open", "Name"),
    ],
)
def test_schema__language__is_the_callers(catalogue, accept, title, field):
    answer = Api().get("/api/v1/ui/schema?feature=open", headers={"Accept-Language": accept.encode("latin-1")})

    assert answer.json()["feature"]["title"] == title
    assert answer.json()["form"]["schema"]["properties"]["name"]["title"] == field
    assert "x-i18n" not in answer.text


@pytest.mark.parametrize("address", ADDRESSES)
def test_read__etag_known__is_304_until_something_is_released(catalogue, member, address):
    api = Api(member)
    first = api.get(address)
    again = api.get(address, headers={"If-None-Match": first.headers["ETag"]})

    Feature.objects.filter(key="open").update(title="Renamed")
    publish_feature("open", by=None)
    reader.reset()
    changed = api.get(address, headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert (changed.status_code, "Renamed" in changed.text) == (200, True)
    assert first.headers["Vary"] == again.headers["Vary"] == "Authorization, Accept-Language, Accept-Encoding"


def test_read__two_audiences__have_different_etags(catalogue, member, operator):
    tags = {Api(user).get("/api/v1/ui/menus").headers["ETag"] for user in (None, member, operator)}

    assert len(tags) == 3


def test_read__second_time__asks_no_database(catalogue, member, django_assert_num_queries):
    api = Api(member)
    api.get("/api/v1/ui/menus")

    with django_assert_num_queries(0):
        assert api.get("/api/v1/ui/menus").status_code == 200
        assert api.get("/api/v1/ui/features").status_code == 200


def test_read__any_query_string__does_not_grow_the_cache(catalogue, member):
    api = Api(member)
    for number in range(6):
        api.get(f"/api/v1/ui/menus?x={number}")

    assert len(delivery.bodies) == 1


def told(known: int | None, count: int, *, between=lambda: None) -> list[str]:  # type: ignore[no-untyped-def]
    """The first `count` pieces of the stream; `between` happens before the last."""

    async def listen() -> list[str]:
        stream = ui._events(known)
        pieces = [await anext(stream) for _number in range(count - 1)]
        between()
        pieces.append(await anext(stream))
        await stream.aclose()  # type: ignore[attr-defined]
        return pieces

    return async_to_sync(listen)()


def release_something() -> None:
    reader.apply(Invalidation("feature", "new", HeadState(0, "", reader.revision + 1), 0.0))


def test_events__first_event__is_the_revision(catalogue):
    opened, event = told(None, 2)

    revision = reader.scope_revision("feature")
    assert opened == "retry: 1000\n\n"
    assert event == f'event: revision\nid: {revision}\ndata: {{"revision": {revision}}}\n\n'
    assert reader._listeners == set()


def test_events__something_released__is_told_at_once(catalogue):
    *_before, event = told(None, 3, between=release_something)

    assert f'{{"revision": {reader.revision}}}' in event


def test_events__caller_has_the_revision__hears_only_of_the_next(catalogue):
    reader.all("feature")
    known = reader.scope_revision("feature")

    _opened, event = told(known, 2, between=release_something)

    assert f"id: {known + 1}\n" in event


def test_events__caller_has_an_older_or_a_newer_revision__hears_the_present_one(catalogue):
    reader.all("feature")
    revision = reader.scope_revision("feature")

    for known in (revision - 1, revision + 5):
        assert f"id: {revision}\n" in told(known, 2)[1]


def test_events__nothing_happens__a_comment_keeps_the_line(catalogue, monkeypatch):
    monkeypatch.setattr(ui, "HEARTBEAT_SECONDS", 0.0)
    reader.all("feature")

    assert told(reader.scope_revision("feature"), 2) == ["retry: 1000\n\n", ": still here\n\n"]


@pytest.mark.parametrize(
    ("header", "known"), [("7", 7), ("", None), ("x", None), ("-1", None), ("9" * 19, None), ("٣", None)]
)
def test_events__last_event_id__is_read_or_ignored(catalogue, monkeypatch, header, known):
    seen = []

    async def note(revision: int | None):  # type: ignore[no-untyped-def]
        seen.append(revision)
        yield ""

    monkeypatch.setattr(ui, "_events", note)

    Api().get("/api/v1/ui/events", headers={"Last-Event-ID": header.encode()})

    assert seen == [known]
