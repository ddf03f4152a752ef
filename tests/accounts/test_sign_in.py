"""Signing in, staying signed in, and every way that must fail."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, close_old_connections, transaction
from django.utils import timezone

from apps.accounts import services
from apps.accounts.errors import RefreshReused, TokenInvalid
from apps.accounts.models import RefreshToken, User
from apps.accounts.tickets import mint_ticket, spend_ticket
from apps.core import redis
from tests.conftest import Api, make_user

PASSWORD = "secret-pass-1"
LOGIN, REFRESH, LOGOUT = "/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/auth/logout"


def login(username: str = "mia", password: str = PASSWORD):  # type: ignore[no-untyped-def]
    return Api().post(LOGIN, json={"username": username, "password": password})


def me(access: str) -> int:
    return Api().get("/api/v1/auth/me", headers={"Authorization": f"Bearer {access}"}).status_code


def test_login__right_password__gives_a_pair_that_works(member):
    answer = login()

    body = answer.json()
    assert answer.status_code == 200
    assert body["user"] == {"id": member.pk, "username": "mia", "name": "mia", "roles": ["member"]}
    assert me(body["access"]) == 200
    assert set(body) == {"access", "refresh", "user"}
    assert RefreshToken.objects.get().token_hash != body["refresh"]


@pytest.mark.parametrize(
    ("username", "password"), [("mia", "wrong"), ("nobody", PASSWORD), ("MIA", PASSWORD), ("mia", PASSWORD + " ")]
)
def test_login__wrong_name_or_password__is_refused_alike(member, username, password):
    answer = login(username, password)

    assert (answer.status_code, answer.json()["code"]) == (401, "ACCOUNTS_2001")
    assert RefreshToken.objects.count() == 0


def test_login__inactive__is_refused_like_a_wrong_password(member):
    User.objects.update(is_active=False)

    answer = login()

    assert (answer.status_code, answer.json()["code"], RefreshToken.objects.count()) == (401, "ACCOUNTS_2001", 0)


def test_login__one_time_password__has_to_be_changed_first(member):
    User.objects.update(must_change_password=True)

    answer = login()

    assert (answer.status_code, answer.json()["code"], RefreshToken.objects.count()) == (403, "ACCOUNTS_2002", 0)


def test_login__old_hash_is_renewed__keeps_the_duty_to_change_and_the_tokens(member, settings):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher",
        "django.contrib.auth.hashers.ScryptPasswordHasher",
    ]
    old = make_password(PASSWORD, hasher="scrypt")
    User.objects.update(password=old, must_change_password=True)

    refused = login()
    User.objects.update(password=old, must_change_password=False)
    accepted = login()

    assert (refused.status_code, refused.json()["code"]) == (403, "ACCOUNTS_2002")
    assert me(accepted.json()["access"]) == 200
    member.refresh_from_db()
    assert (member.password.split("$")[0], member.token_epoch) == ("md5", 0)


@pytest.mark.parametrize("body", [{}, {"username": "mia"}, {"username": "", "password": ""}, {"username": ["x"]}])
def test_login__fields_missing__are_named(db, body):
    answer = Api().post(LOGIN, json=body)

    assert (answer.status_code, answer.json()["code"]) == (400, "CORE_2000")
    assert {e["pointer"] for e in answer.json()["details"]["errors"]} <= {"/username", "/password"}


@pytest.mark.parametrize("username", ["\x00", "mia\x00", "x" * 151])
def test_login__hostile_name__is_a_clean_refusal(member, username):
    assert login(username).status_code in (400, 401)


def test_refresh__fresh__is_spent_for_a_new_pair(member):
    first = login().json()

    second = Api().post(REFRESH, json={"refresh": first["refresh"]}).json()

    assert second["refresh"] != first["refresh"]
    assert me(second["access"]) == 200
    assert RefreshToken.objects.filter(used_at=None, revoked_at=None).count() == 1


def test_refresh__used_twice__ends_the_family(member):
    first = login().json()["refresh"]
    other_device = login().json()["refresh"]
    second = Api().post(REFRESH, json={"refresh": first}).json()["refresh"]

    reused = Api().post(REFRESH, json={"refresh": first})
    after = Api().post(REFRESH, json={"refresh": second})

    assert (reused.status_code, reused.json()["code"]) == (401, "ACCOUNTS_2004")
    assert after.status_code == 401
    assert Api().post(REFRESH, json={"refresh": other_device}).status_code == 200


@pytest.mark.parametrize("token", ["x", "null", "é" * 10, "0b6f0000-0000-4000-8000-000000000000"])
def test_refresh__unknown__is_refused(member, token):
    answer = Api().post(REFRESH, json={"refresh": token})

    assert (answer.status_code, answer.json()["code"]) == (401, "ACCOUNTS_2003")


@pytest.mark.parametrize("change", [{"is_active": False}, {"token_epoch": 99}])
def test_refresh__user_gone_or_password_changed__is_refused(member, change):
    token = login().json()["refresh"]
    User.objects.update(**change)

    answer = Api().post(REFRESH, json={"refresh": token})

    assert (answer.status_code, answer.json()["code"]) == (401, "ACCOUNTS_2003")
    assert RefreshToken.objects.get().used_at is None


def test_refresh__lapsed__is_refused_and_purged(member):
    token = services.sign_in("mia", PASSWORD).refresh
    RefreshToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    with pytest.raises(TokenInvalid):
        services.refresh(token)

    assert (services.purge_tokens(), RefreshToken.objects.count()) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_refresh__twenty_at_once__exactly_one_wins():
    make_user("mia")
    token = services.sign_in("mia", PASSWORD).refresh
    start, told = threading.Barrier(20, timeout=60), []

    def spend() -> None:
        start.wait()
        try:
            services.refresh(token)
            told.append("won")
        except (RefreshReused, TokenInvalid):
            told.append("refused")
        finally:
            close_old_connections()

    threads = [threading.Thread(target=spend) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told) == ["refused"] * 19 + ["won"]
    assert RefreshToken.objects.filter(used_at=None, revoked_at=None).count() == 0


def test_logout__known__ends_the_sign_in(member):
    token = login().json()["refresh"]

    assert Api().post(LOGOUT, json={"refresh": token}).status_code == 204
    after = Api().post(REFRESH, json={"refresh": token})

    assert (after.status_code, after.json()["code"]) == (401, "ACCOUNTS_2003")


def test_logout__unknown__is_no_news(db):
    assert Api().post(LOGOUT, json={"refresh": "x"}).status_code == 204


def test_change_password__old_tokens__stop_working_at_once(member):
    body = login().json()
    user = User.objects.get()
    user.set_password("another-pass-1")
    user.save()

    assert me(body["access"]) == 401
    assert Api().post(REFRESH, json={"refresh": body["refresh"]}).status_code == 401
    assert login(password="another-pass-1").status_code == 200


def test_deactivate__access_token__stops_working_at_once(member):
    access = login().json()["access"]
    User.objects.update(is_active=False)

    assert me(access) == 401


def test_ticket__minted__opens_once(member):
    ticket = Api(member).post("/api/v1/ws-ticket").json()["ticket"]

    assert [spend_ticket(ticket), spend_ticket(ticket)] == [member.pk, None]
    assert 0 < redis.client().ttl(redis.key("ticket:" + mint_ticket(1))) <= 30


@pytest.mark.parametrize("ticket", ["", "x", "*", "../x"])
def test_ticket__unknown__opens_nothing(db, ticket):
    assert spend_ticket(ticket) is None


def test_ticket__anonymous__gets_none(db):
    assert Api().post("/api/v1/ws-ticket").status_code == 401


def test_user__no_email_or_phone__may_be_many(db):
    make_user("a", email="", phone="")
    make_user("b")

    assert list(User.objects.values_list("email", "phone")) == [(None, None), (None, None)]


@pytest.mark.parametrize("field", ["email", "phone"])
def test_user__email_or_phone_taken__is_refused(db, field):
    value = {"email": "a@example.com", "phone": "+861300000000"}[field]
    make_user("a", **{field: value})

    with pytest.raises(IntegrityError), transaction.atomic():
        make_user("b", **{field: value})
    with pytest.raises(ValidationError):
        User(username="c", password="x", **{field: value}).full_clean()

    assert User.objects.count() == 1
