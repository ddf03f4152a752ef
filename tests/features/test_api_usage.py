"""`/api/v1/admin/usage/{kind}/{key}`: the same answer for programs, to those who may see it."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission

from apps.core.publishing.services import withdraw
from apps.features.api.usage import PARTS
from apps.prompts.models import Prompt
from tests.conftest import Api, make_user
from tests.features.test_usage import KINDS, make_full

BASE = "/api/v1/admin/usage"
SHOWN = [(kind, key) for kind, key in KINDS if kind in PARTS]


def test_parts__every_kind_with_a_page__is_served() -> None:
    assert {kind for kind, _key in KINDS} - set(PARTS) == {"route"}


@pytest.mark.parametrize(("kind", "key"), SHOWN)
def test_read__used_part__lists_the_features(db: None, kind: str, key: str) -> None:
    make_full()
    root = make_user("root", role="admin", is_superuser=True)

    answer = Api(root).get(f"{BASE}/{kind}/{key}")

    assert answer.status_code == 200
    assert answer.json()["next"] is None
    (item,) = answer.json()["items"]
    assert {name: item[name] for name in ("kind", "key", "draft", "live", "candidate", "current", "menu", "roles")} == {
        "kind": "feature",
        "key": "greeter",
        "draft": True,
        "live": 1,
        "candidate": None,
        "current": True,
        "menu": "Texts",
        "roles": ["member"],
    }
    assert item["only_route"] is (kind in ("endpoint", "model"))


def test_read__part_that_nobody_uses__is_an_empty_list(db: None, viewer: Any) -> None:
    make_full().delete()
    withdraw("feature", "greeter", by=None)

    assert Api(viewer).get(f"{BASE}/prompt/greeting").json() == {"items": [], "next": None}
    assert Api(viewer).get(f"{BASE}/tool/shop/cut").json() == {"items": [], "next": None}


def test_read__deleted_part_that_is_still_live__is_listed(db: None, viewer: Any) -> None:
    make_full()
    Prompt.objects.all().delete()

    assert [item["current"] for item in Api(viewer).get(f"{BASE}/prompt/greeting").json()["items"]] == [False]


@pytest.mark.parametrize(
    "path", ["prompt/nobody", "tool/shop", "tool/shop/none", "model/mock", "feature/greeter", "route/chat", "x/y"]
)
def test_read__no_such_part_or_kind__is_not_found(db: None, viewer: Any, path: str) -> None:
    make_full()

    answer = Api(viewer).get(f"{BASE}/{path}")

    assert (answer.status_code, answer.json()["code"]) == (404, "CORE_2003")


@pytest.mark.parametrize(("role", "status"), [("viewer", 200), ("editor", 200), ("admin", 200), ("member", 403)])
def test_read__role__as_it_may_read_features(db: None, role: str, status: int) -> None:
    make_full()

    assert Api(make_user("pat", role=role)).get(f"{BASE}/prompt/greeting").status_code == status


def test_read__nobody__has_to_sign_in(db: None) -> None:
    assert Api().get(f"{BASE}/prompt/greeting").status_code == 401


@pytest.mark.parametrize("rights", [["view_prompt"], ["view_feature"], []])
def test_read__half_of_the_rights__is_forbidden(db: None, rights: list[str]) -> None:
    make_full()
    user = make_user("pat")
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))

    answer = Api(user).get(f"{BASE}/prompt/greeting")

    assert (answer.status_code, answer.json()["code"]) == (403, "CORE_2002")


def test_read__post__is_not_supported(db: None, operator: Any) -> None:
    assert Api(operator).post(f"{BASE}/prompt/greeting", json={}).status_code == 405
