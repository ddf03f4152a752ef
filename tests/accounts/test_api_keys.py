"""API keys: made once, kept as a hash, bound to their scopes, refused everywhere once they are revoked."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.utils import timezone

from apps.accounts import authentication
from apps.accounts.errors import KeyInvalid
from apps.accounts.keys import last_use, lookup
from apps.accounts.keys.scopes import is_within, networks, scopes
from apps.accounts.keys.services import MOST_ACTIVE, create_key, revoke_key
from apps.accounts.models import ApiKey, User
from apps.core import redis
from apps.core.cache import read_cache
from apps.core.lane.identity import Principal
from apps.quotas.models import UserBudget
from tests.conftest import Api
from tests.features.builders import make_feature

KEYS = "/api/v1/api-keys"
LANES = ["/api/v1/auth/me", "/api/v1/ui/menus"]


def make_key(owner: User, **given: Any) -> str:
    """A key of `owner`'s; what it may do is given as for `scopes`."""
    limits = {name: given.pop(name) for name in ("budget", "budget_period", "expires_at") if name in given}
    return create_key(owner, by=owner, name="a key", scopes=scopes(**given), **limits).token


def with_key(token: str, method: str, path: str, **kwargs: Any) -> Any:
    return Api().request(method, path, headers={"Authorization": f"Bearer {token}"}, **kwargs)


def ask(token: str, path: str = LANES[0]) -> tuple[int, str]:
    """The status, and the code of a refusal."""
    answer = with_key(token, "GET", path)
    return answer.status_code, answer.json().get("code", "")


def identified(token: str, address: str = "127.0.0.1") -> Principal:
    found = async_to_sync(authentication.identify)(f"Bearer {token}", address)
    assert found is not None
    return found


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """Do something, and what waits for its commit."""

    def run(work, *args, **kwargs):
        with django_capture_on_commit_callbacks(execute=True):
            return work(*args, **kwargs)

    return run


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    """Look-ups of the hot lane see the test's transaction."""
    monkeypatch.setattr(read_cache, "in_thread", sync_to_async)


# --- making -----------------------------------------------------------------------------------


def test_create__by_a_member__shows_the_key_once_and_keeps_its_hash(member):
    answer = Api(member).post(KEYS, json={"name": "shop", "scopes": {"features": ["greeter"]}, "budget": 5})

    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert re.fullmatch(r"pk-[A-Za-z0-9_-]{43}", body["key"])
    assert (body["prefix"], body["last4"]) == (body["key"][:8], body["key"][-4:])
    assert body["scopes"] == {"features": ["greeter"], "models": None, "ips": [], "admin": False}
    row = ApiKey.objects.get()
    assert row.digest == hashlib.sha256(body["key"].encode()).hexdigest()
    assert body["key"] not in str(list(ApiKey.objects.values())) + str(list(ApiKey.history.values()))
    listed = Api(member).get(KEYS).json()
    assert "key" not in listed["items"][0]
    assert body["key"] not in str(listed)


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 81}, "/name"),
        ({"name": "x", "budget": -1}, "/budget"),
        ({"name": "x", "budget": "much"}, "/budget"),
        ({"name": "x", "budget_period": "year"}, "/budget_period"),
        ({"name": "x", "expires_at": "soon"}, "/expires_at"),
        ({"name": "x", "expires_at": "2001-01-01T00:00:00Z"}, "/expires_at"),
        ({"name": "x", "scopes": {"ips": ["not an address"]}}, "/ips"),
        ({"name": "x", "scopes": {"ips": ["10.0.0.0/99"]}}, "/ips"),
        ({"name": "x", "scopes": {"features": "all"}}, "/scopes/features"),
        ({"name": "x", "scopes": {"features": ["x"] * 1 + [f"f{n}" for n in range(300)]}}, "/features"),
    ],
)
def test_create__bad_input__names_the_field_and_makes_nothing(member, given, pointer):
    answer = Api(member).post(KEYS, json=given)

    assert answer.status_code == 400
    assert pointer in [error["pointer"] for error in answer.json()["details"]["errors"]]
    assert not ApiKey.objects.exists()


def test_create__for_the_administration_by_a_member__is_refused(member):
    answer = Api(member).post(KEYS, json={"name": "x", "scopes": {"admin": True}})

    assert (answer.status_code, answer.json()["code"]) == (403, "ACCOUNTS_2014")
    assert not ApiKey.objects.exists()


def test_create__for_the_administration_and_somebody_else__is_refused(operator, editor):
    with pytest.raises(Exception, match="ACCOUNTS_2014"):
        create_key(editor, by=operator, name="x", scopes=scopes(admin=True))

    assert not ApiKey.objects.exists()


def test_create__for_a_superuser_by_somebody_else__is_refused(operator):
    root = User.objects.create_superuser("root", password="root-pass-1")

    with pytest.raises(Exception, match="CORE_2002"):
        create_key(root, by=operator, name="x", scopes=scopes())

    assert not ApiKey.objects.exists()


def test_create__too_many__is_refused_until_one_is_revoked(member):
    for _n in range(MOST_ACTIVE):
        make_key(member)

    refused = Api(member).post(KEYS, json={"name": "x"})
    revoke_key(ApiKey.objects.first().pk, by=member)

    assert (refused.status_code, refused.json()["code"]) == (409, "ACCOUNTS_2016")
    assert Api(member).post(KEYS, json={"name": "x"}).status_code == 201


@pytest.mark.parametrize("admin", [False, True])
def test_create_or_revoke__with_a_key__is_refused(operator, admin):
    token = make_key(operator, admin=admin)
    row = ApiKey.objects.get()

    made = with_key(token, "POST", KEYS, json={"name": "x"})
    revoked = with_key(token, "POST", f"{KEYS}/{row.pk}/revoke")

    assert [one.json()["code"] for one in (made, revoked)] == ["ACCOUNTS_2015", "ACCOUNTS_2015"]
    row.refresh_from_db()
    assert (ApiKey.objects.count(), row.revoked_at) == (1, None)


# --- listing ----------------------------------------------------------------------------------


def test_list__owner_stranger_and_staff__see_their_own_and_staff_all(member, stranger, viewer):
    make_key(member)

    names = {who.username: len(Api(who).get(KEYS).json()["items"]) for who in (member, stranger, viewer)}
    everybody = {who.username: Api(who).get("/api/v1/admin/api-keys") for who in (member, viewer)}

    assert names == {"mia": 1, "sam": 0, "vera": 0}
    assert everybody["mia"].status_code == 403
    assert [item["owner"] for item in everybody["vera"].json()["items"]] == ["mia"]
    assert Api(viewer).get("/api/v1/admin/api-keys?user=sam").json()["items"] == []


def test_list__20_more_keys__takes_no_more_queries(member, django_assert_num_queries):
    client = Api(member)

    def listed() -> None:
        # the user of the token, the keys with their owners
        with django_assert_num_queries(2):
            client.get(KEYS)

    make_key(member)
    listed()
    for _n in range(19):
        make_key(member)
    listed()


# --- being let in -----------------------------------------------------------------------------


@pytest.mark.parametrize("address", LANES)
def test_call__with_a_key__is_its_owner_in_both_lanes(member, address):
    assert ask(make_key(member), address) == (200, "")
    assert with_key(make_key(member), "GET", LANES[0]).json()["username"] == "mia"


@pytest.mark.parametrize("address", LANES)
@pytest.mark.parametrize(
    "token", ["pk-", "pk-x", "pk-" + "A" * 43, "pk-" + "A" * 44, "pk-" + "é" * 43, "pk-" + "A" * 42 + "=", "pk-null"]
)
def test_call__with_no_such_key__is_401_in_both_lanes(member, address, token):
    answer = Api().get(address, headers={"Authorization": f"Bearer {token}".encode("latin-1")})

    assert (answer.status_code, answer.json()["code"]) == (401, "ACCOUNTS_2010")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_call__unknown_key_again_and_again__asks_the_database_once(db, django_assert_num_queries):
    with django_assert_num_queries(1):
        for _n in range(20):
            with pytest.raises(KeyInvalid):
                identified("pk-" + "A" * 43)


def test_call__known_key_again_and_again__asks_nothing(member, django_assert_num_queries):
    token = make_key(member, budget=3)
    first = identified(token)

    with django_assert_num_queries(0):
        again = [identified(token) for _n in range(20)]

    assert all(one is first for one in again)
    assert (first.user_id, first.username, first.roles) == (member.pk, "mia", frozenset({"member"}))
    assert (first.key.budget, first.key.budget_period) == (3_000_000, "total")


@pytest.mark.parametrize("address", LANES)
def test_call__after_it_was_revoked__is_401_in_both_lanes(member, committed, address):
    token = make_key(member)
    before = ask(token, address)

    first = committed(revoke_key, ApiKey.objects.get().pk, by=member)
    again = committed(revoke_key, first.pk, by=member)

    assert before == (200, "")
    assert ask(token, address) == (401, "ACCOUNTS_2010")
    assert first.revoked_at == again.revoked_at
    assert [row.history_type for row in ApiKey.history.order_by("history_id")] == ["+", "~"]


def test_revoke__through_the_api__is_for_the_owner_and_for_staff_with_the_right(member, stranger, editor, operator):
    make_key(member)
    pk = ApiKey.objects.get().pk

    refused = [Api(who).post(f"{KEYS}/{pk}/revoke").status_code for who in (stranger, editor)]
    still = ApiKey.objects.get().revoked_at
    by_staff = Api(operator).post(f"{KEYS}/{pk}/revoke")
    by_owner = Api(member).post(f"{KEYS}/{pk}/revoke")

    assert (refused, still) == ([404, 404], None)
    assert (by_staff.status_code, by_staff.json()["state"]) == (200, "revoked")
    assert by_owner.json() == by_staff.json()


@pytest.mark.parametrize("address", LANES)
def test_call__owner_switched_off__is_401_in_both_lanes(member, committed, address):
    token = make_key(member)
    ask(token, address)
    member.is_active = False

    committed(member.save)

    assert ask(token, address) == (401, "ACCOUNTS_2010")


def test_call__owner_deleted__is_401(member, committed):
    token = make_key(member)
    ask(token, LANES[1])

    committed(member.delete)

    assert ask(token, LANES[1]) == (401, "ACCOUNTS_2010")


def test_call__roles_changed__has_the_new_ones_at_once(member, committed):
    token = make_key(member)
    before = identified(token).roles

    committed(member.groups.clear)

    assert (before, identified(token).roles) == (frozenset({"member"}), frozenset())


def test_call__budget_of_its_owner_set__has_it_at_once(member, committed, settings):
    settings.USER_BUDGET, settings.USER_BUDGET_PERIOD = 7, "day"
    token = make_key(member)
    everybodys = identified(token)

    own = committed(UserBudget.objects.create, user=member, credits=2, period="month")
    changed = identified(token)
    committed(own.delete)

    assert (everybodys.budget, everybodys.budget_period) == (7_000_000, "day")
    assert (changed.budget, changed.budget_period) == (2_000_000, "month")
    assert identified(token).budget == 7_000_000


@pytest.mark.parametrize("address", LANES)
def test_call__after_it_expired__is_401_though_it_is_in_memory(member, monkeypatch, address):
    soon = timezone.now() + timedelta(minutes=5)
    token = make_key(member, expires_at=soon)
    before = ask(token, address)

    monkeypatch.setattr(lookup.time, "time", soon.timestamp)

    assert before == (200, "")
    assert ask(token, address) == (401, "ACCOUNTS_2011")


@pytest.mark.parametrize("address", LANES)
def test_call__from_another_network__is_403_in_both_lanes(member, address):
    inside, outside = make_key(member, ips=["127.0.0.0/8"]), make_key(member, ips=["198.51.100.0/24"])

    assert ask(inside, address) == (200, "")
    assert ask(outside, address) == (403, "ACCOUNTS_2012")


@pytest.mark.parametrize(
    ("address", "within"),
    [
        ("192.0.2.7", True),
        ("192.0.2.8", False),
        ("::ffff:192.0.2.7", True),
        ("::ffff:192.0.2.8", False),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("fe80::1%eth0", False),
        ("", False),
        ("unknown", False),
    ],
)
def test_is_within__addresses_of_both_kinds__are_told_apart(address, within):
    assert is_within(address, networks(["192.0.2.7/32", "2001:db8::/32"])) is within


# --- what it may do ---------------------------------------------------------------------------


def test_call__staff_right_with_a_key_not_for_the_administration__is_refused(operator):
    plain, powerful = make_key(operator), make_key(operator, admin=True)

    assert ask(plain, "/api/v1/admin/features") == (403, "CORE_2002")
    assert ask(powerful, "/api/v1/admin/features") == (200, "")


def test_call__key_of_a_superuser_not_for_the_administration__is_refused_too(db):
    root = User.objects.create_superuser("root", password="root-pass-1")

    assert ask(make_key(root), "/api/v1/admin/api-keys") == (403, "CORE_2002")


def test_call__key_for_the_administration__may_no_more_than_its_owner(viewer):
    token = make_key(viewer, admin=True)

    refused = with_key(token, "POST", "/api/v1/admin/features", json={})

    assert ask(token, "/api/v1/admin/features") == (200, "")
    assert refused.status_code == 403


def test_run__feature_that_the_key_is_not_for__is_refused_and_nothing_is_made(member):
    make_feature("greeter", published=True)
    token = make_key(member, features=["other"])

    answer = with_key(token, "POST", "/api/v1/tasks", json={"feature": "greeter", "input": {"name": "x"}})

    assert (answer.status_code, answer.json()["code"]) == (403, "ACCOUNTS_2013")
    assert Api(member).get("/api/v1/tasks").json()["items"] == []


def test_tasks__of_other_features__are_hidden_from_the_key(member):
    make_feature("greeter", published=True)
    body = {"feature": "greeter", "input": {"name": "x"}}
    task = with_key(make_key(member, features=["greeter"]), "POST", "/api/v1/tasks", json=body).json()
    other = make_key(member, features=["other"])

    assert ask(other, f"/api/v1/tasks/{task['id']}")[0] == 404
    assert with_key(other, "GET", "/api/v1/tasks").json()["items"] == []
    assert with_key(other, "POST", "/api/v1/ws-ticket").status_code in (403, 404)
    assert ask(make_key(member), f"/api/v1/tasks/{task['id']}")[0] == 200


# --- last use ---------------------------------------------------------------------------------


def test_last_use__many_calls__is_written_once_a_minute_and_not_by_the_call(member, monkeypatch):
    last_use._noted.clear()
    token = make_key(member)
    for _n in range(5):
        identified(token)
    unwritten, waiting = ApiKey.objects.get().last_used_at, len(last_use.uses)

    last_use.uses.flush()
    first = ApiKey.objects.get().last_used_at
    identified(token)
    later = datetime.now(UTC).timestamp() + 61
    monkeypatch.setattr(last_use.time, "time", lambda: later)
    identified(token)
    last_use.uses.flush()

    assert (unwritten, waiting) == (None, 1)
    assert ApiKey.objects.get().last_used_at - first >= timedelta(seconds=60)


def test_secrets__the_key__is_in_no_cache_and_no_log(member, caplog):
    token = make_key(member)
    identified(token)

    client = redis.client()
    stored = " ".join(f"{name} {client.get(name)}" for name in client.scan_iter(_type="STRING"))
    assert "apikey:" in stored
    assert token not in stored + caplog.text


def test_people__other_username__reaches_the_hot_lane(member, committed):
    token = make_key(member)
    identified(token)
    member.username = "mia2"

    committed(member.save)

    assert identified(token).username == "mia2"
