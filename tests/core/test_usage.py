"""Who uses what: the seam itself, with a finder of the test's own."""

from collections.abc import Mapping

import pytest

from apps.accounts.models import User
from apps.core.errors import NotFound
from apps.core.publishing import usage
from apps.core.publishing.usage import Kind, OnlyRoute, PartInUse, Use


class ToyFinder:
    permission = "features.view_feature"
    publish_permission = "features.publish_feature"

    def __init__(self, uses: dict[str, list[Use]]) -> None:
        self.uses = uses

    def find(self, kind: Kind) -> Mapping[str, list[Use]]:
        return self.uses if kind == "prompt" else {}


def use(key: str) -> Use:
    return Use(kind="toy", key=key, title=key.title(), live=3, roles=("admin",))


@pytest.fixture(autouse=True)
def _finders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "_finders", {})
    usage.register("toys", ToyFinder({"greeting": [use("bear"), use("duck")], "tone": [use("bear")]}))


def test_where_used__used_and_unused__lists_the_users() -> None:
    assert [found.key for found in usage.where_used("prompt", "greeting")] == ["bear", "duck"]
    assert usage.where_used("prompt", "nobody") == []
    assert usage.where_used("pipeline", "greeting") == []


def test_uses_of_kind__two_finders__are_asked_both() -> None:
    usage.register("others", ToyFinder({"greeting": [use("cat")]}))

    assert [found.key for found in usage.where_used("prompt", "greeting")] == ["bear", "duck", "cat"]


def test_register__same_name__takes_the_place() -> None:
    usage.register("toys", ToyFinder({}))

    assert usage.uses_of_kind("prompt") == {}


def test_refuse_used__several_parts__names_each_user_once(db: None) -> None:
    with pytest.raises(PartInUse) as refused:
        usage.refuse_used("prompt", ["greeting", "tone", "nobody"])

    assert (refused.value.code, refused.value.status) == ("CORE_2020", 409)
    assert [found["key"] for found in refused.value.details["uses"]] == ["bear", "duck"]
    assert refused.value.text() == (
        "Still in use by “Bear”, “Duck”. Take it out there first and publish; nothing was changed."
    )


def test_refuse_used__nobody_uses_it__says_nothing(db: None) -> None:
    usage.refuse_used("prompt", ["nobody"])


def test_as_dict__use__is_plain_json() -> None:
    assert use("bear").as_dict() == {
        "kind": "toy",
        "key": "bear",
        "title": "Bear",
        "url": "",
        "publish_url": "",
        "draft": False,
        "live": 3,
        "candidate": None,
        "current": True,
        "menu": "",
        "roles": ["admin"],
        "only_route": False,
    }


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, ""), (1, "“T0”"), (5, "“T0”, “T1”, “T2”, “T3”, “T4”"), (7, "“T0”, “T1”, “T2”, “T3”, “T4” and 2 more")],
)
def test_named__few_or_many__stays_a_sentence(count: int, words: str) -> None:
    assert usage.named([use(f"t{number}") for number in range(count)]) == words


def test_part_in_use__seen_only_by_the_database__still_says_something() -> None:
    assert "something that was added just now" in PartInUse([]).text()


def test_only_route__is_a_part_in_use() -> None:
    error = OnlyRoute([use("bear")])

    assert (error.code, error.status, isinstance(error, PartInUse)) == ("CORE_2021", 409, True)
    assert not isinstance(error, NotFound)


def test_may_read_uses__follows_the_finders_permission(viewer: User, operator: User, member: User) -> None:
    people = (member, viewer, operator)

    assert [usage.may_read_uses(user) for user in people] == [False, True, True]
    assert [usage.may_publish(user) for user in people] == [False, False, True]
