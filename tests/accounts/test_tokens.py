"""Access tokens: whatever is not exactly ours is nobody's, in both lanes."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings as django_settings

from apps.accounts.services import sign_in
from apps.accounts.tokens import sign_access
from tests.conftest import Api

LANES = ["/api/v1/auth/me", "/api/v1/ui/menus", "/api/v1/tasks/x/stream"]
OTHER_KEY = "another-signing-key-of-at-least-32-bytes"


def claims(**changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    good = {
        "iss": "paiban",
        "aud": "paiban",
        "typ": "access",
        "jti": "1",
        "uid": 1,
        "name": "mia",
        "role": ["admin"],
        "epoch": 1,
        "iat": now,
        "exp": now + timedelta(minutes=5),
    } | changes
    return {name: value for name, value in good.items() if value is not None}


def signed(algorithm: str = "HS256", key: str | None = None, **changes: Any) -> str:
    key = django_settings.SIGNING_KEYS[0] if key is None else key
    return jwt.encode(claims(**changes), key, algorithm=algorithm)


def unsigned() -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value, default=str).encode()).decode().rstrip("=")

    soon = int((datetime.now(UTC) + timedelta(minutes=5)).timestamp())
    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims(exp=soon, iat=soon - 300))}."


def tampered() -> str:
    head, _body, tail = signed(role=["member"]).split(".")
    return f"{head}.{signed(role=['admin']).split('.')[1]}.{tail}"


past = datetime.now(UTC) - timedelta(minutes=5)
MALFORMED = {
    "alg none": unsigned,
    "alg none by library": lambda: jwt.encode(claims(), None, algorithm="none"),
    "another key": lambda: signed(key=OTHER_KEY),
    "another algorithm": lambda: signed("HS512"),
    "another audience": lambda: signed(aud="other"),
    "no audience": lambda: signed(aud=None),
    "another issuer": lambda: signed(iss="other"),
    "no issuer": lambda: signed(iss=None),
    "wrong type": lambda: signed(typ="refresh"),
    "no type": lambda: signed(typ=None),
    "expired": lambda: signed(exp=past),
    "no expiry": lambda: signed(exp=None),
    "issued in the future": lambda: signed(iat=datetime.now(UTC) + timedelta(hours=1)),
    "no issue time": lambda: signed(iat=None),
    "not yet valid": lambda: signed(nbf=datetime.now(UTC) + timedelta(hours=1)),
    "no user": lambda: signed(uid=None),
    "no id": lambda: signed(jti=None),
    "no epoch": lambda: signed(epoch=None),
    "no roles": lambda: signed(role=None),
    "body of another token": tampered,
    "signature cut off": lambda: signed().rpartition(".")[0] + ".",
    "two parts": lambda: signed().rpartition(".")[0],
    "trailing garbage": lambda: signed() + "x",
    "not base64": lambda: "a.b.c",
    "garbage": lambda: "garbage",
    "dots": lambda: "..",
    "not ascii": lambda: "\xe9\xe9.\xe9.\xe9",
    "very long": lambda: "A" * 8000,
}


@pytest.mark.parametrize("address", LANES)
@pytest.mark.parametrize("name", MALFORMED)
def test_read__malformed__is_401_in_both_lanes(member, name, address):
    token = MALFORMED[name]()

    answer = Api().get(address, headers={"Authorization": f"Bearer {token}".encode("latin-1")})

    assert (answer.status_code, answer.json()["code"]) == (401, "ACCOUNTS_2003")


@pytest.mark.parametrize("address", LANES)
def test_read__refresh_token_as_access__is_401(member, address):
    token = sign_in("mia", "secret-pass-1").refresh

    answer = Api().get(address, headers={"Authorization": f"Bearer {token}"})

    assert (answer.status_code, answer.json()["code"]) == (401, "ACCOUNTS_2003")


def test_read__key_rotated__old_token_verifies_until_its_key_goes(member, settings):
    token = {"Authorization": f"Bearer {sign_access(member)}"}

    settings.SIGNING_KEYS = [OTHER_KEY, *django_settings.SIGNING_KEYS]
    during = Api().get("/api/v1/auth/me", headers=token).status_code
    settings.SIGNING_KEYS = [OTHER_KEY]
    after = Api().get("/api/v1/auth/me", headers=token).status_code

    assert (during, after) == (200, 401)


def test_read__another_epoch__is_refused_where_it_can_be_known(member):
    stale = {"Authorization": f"Bearer {signed(uid=member.pk, epoch=member.token_epoch + 1)}"}

    assert Api().get("/api/v1/auth/me", headers=stale).status_code == 401


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic bWlhOng=", "Token x", " "])
def test_read__another_scheme__is_nobody(db, header):
    answers = [Api().get(address, headers={"Authorization": header}) for address in LANES]

    assert [answer.status_code for answer in answers] == [401, 200, 401]
