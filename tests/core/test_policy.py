"""The policy file: what is wrong with it is said, all at once; rights map to permissions in one place."""

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings as django_settings

from apps.core import permissions
from apps.core.policy import PolicyInvalid, UnknownRight, checks, policy, source
from apps.core.policy.checks import check_declared_rights, check_policy, check_policy_mode

SOUND: dict[str, Any] = {
    "schema": 1,
    "resources": {
        "features": {"models": ["features.feature"], "actions": ["read", "write", "publish"]},
        "tools": {"models": ["mcp.server", "mcp.tool"], "actions": ["read", "adjust"], "enforced": True},
    },
    "roles": {"viewer": ["features:read"], "editor": ["features:read", "tools:adjust"], "admin": [], "member": []},
}


def sound(**changes: Any) -> dict[str, Any]:
    """A sound policy with changes by dotted place."""
    content = copy.deepcopy(SOUND)
    for place, value in changes.items():
        *path, last = place.split("__")
        inner = content
        for name in path:
            inner = inner[name]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
    return content


def test_parse__sound_file__maps_rights_to_permissions():
    known = source.parse(SOUND)

    assert known.permission("features:write") == "features.change_feature"
    assert known.permission("tools:adjust") == "mcp.change_server"
    assert known.permissions(["tools:adjust", "features:read"]) == {
        "mcp.change_server",
        "mcp.change_tool",
        "features.view_feature",
    }
    assert known.roles["editor"] == {"features:read", "tools:adjust"}
    assert known.unenforced == {"features.view_feature", "features.change_feature", "features.publish_feature"}
    assert known.resource_of("mcp.tool") is known.resources["tools"]
    assert known.resource_of("auth.group") is None


@pytest.mark.parametrize("right", ["features:delete", "nothing:read", "features", "", ":", "features.view_feature"])
def test_permission__unknown_right__is_refused(right):
    with pytest.raises(UnknownRight):
        source.parse(SOUND).permission(right)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"schema": 2}, "schema must be 1, not 2"),
        ({"schema": None}, "schema must be 1, not None"),
        ({"roles": None}, "[roles] must be a table with at least one entry"),
        ({"resources": {}}, "[resources] must be a table with at least one entry"),
        ({"rules": {}}, "rules is not known; the file holds schema, [resources] and [roles]"),
        ({"roles__admin": None}, "[roles] lacks admin; write admin = [] if it may do nothing"),
        (
            {"roles__guest": ["features:read"]},
            "[roles] guest is not one of viewer, editor, admin, member; make groups of your own in the admin",
        ),
        ({"roles__admin": "features:read"}, "[roles] admin must be a list of texts without doubles"),
        ({"roles__admin": ["tools:read", "tools:read"]}, "[roles] admin must be a list of texts without doubles"),
        ({"roles__admin": ["features:delete"]}, "[roles] admin: no resource offers 'features:delete'"),
        ({"roles__admin": ["feature:read"]}, "[roles] admin: no resource offers 'feature:read'"),
        (
            {"resources__features__actions": ["read", "write", "publish", "fly"]},
            "[resources.features]: there is no action 'fly'; there are "
            "read, create, write, delete, publish, rollback, run, adjust",
        ),
        (
            {"resources__tools__models": []},
            "[resources.tools]: models must be a list of texts, not empty and without doubles",
        ),
        (
            {"resources__tools__models": ["mcp.Server"]},
            "[resources.tools]: 'mcp.Server' is not app.model in lower case",
        ),
        (
            {"resources__tools__models": ["features.feature"]},
            "[resources.tools]: features.feature belongs to [resources.features] already",
        ),
        ({"resources__tools__enforced": "yes"}, "[resources.tools]: enforced must be true or false"),
        (
            {"resources__tools__model": "mcp.server"},
            "[resources.tools]: model is not known; a resource has models, actions and enforced",
        ),
        ({"resources__tools": "mcp.server", "roles__editor": []}, "[resources.tools] must be a table"),
    ],
)
def test_parse__one_mistake__is_named_exactly(changes, problem):
    with pytest.raises(PolicyInvalid) as caught:
        source.parse(sound(**changes))

    assert caught.value.problems == [problem]


def test_parse__many_mistakes__are_told_at_once():
    with pytest.raises(PolicyInvalid) as caught:
        source.parse(sound(roles__admin=["x:y"], roles__member=None, resources__tools__enforced=3))

    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read: No such file or directory"), (b"schema = ", "is not TOML"), (b"\xff\xfe", "is not TOML")],
)
def test_check__unusable_file__says_which_and_why(settings, tmp_path, content, words):
    settings.POLICY_FILE = tmp_path / "policy.toml"
    if content is not None:
        settings.POLICY_FILE.write_bytes(content)

    (problem,) = check_policy(None)

    assert (problem.id, words in problem.msg, problem.hint) == ("core.E010", True, f"mend {settings.POLICY_FILE}")


def test_check__shipped_file__is_sound():
    assert [*check_policy(None), *check_declared_rights(None), *check_policy_mode(None)] == []
    assert Path(django_settings.POLICY_FILE).name == "policy.toml"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"resources__tools__models": ["mcp.nothing"]}, "[resources.tools]: there is no model mcp.nothing"),
        (
            {"resources__tools__actions": ["read", "adjust", "publish"]},
            "[resources.tools]: mcp.server has no permission to publish",
        ),
    ],
)
def test_check__model_or_permission_that_is_not_there__is_an_error(monkeypatch, changes, message):
    monkeypatch.setattr(checks, "policy", lambda: source.parse(sound(**changes)))

    assert message in [problem.msg for problem in check_policy(None)]


def test_check__class_that_names_an_unknown_right__is_an_error(monkeypatch):
    monkeypatch.setattr(permissions, "declared", {"features:read", "features:fly"})

    (problem,) = check_declared_rights(None)

    assert (problem.id, problem.msg) == (
        "core.E011",
        "a route asks for 'features:fly', which no resource of the policy offers",
    )


@pytest.mark.parametrize(("mode", "ids"), [("enforce", []), ("log", ["core.W010"]), ("off", ["core.E012"])])
def test_check__mode__is_judged(settings, mode, ids):
    settings.POLICY_MODE = mode

    assert [problem.id for problem in check_policy_mode(None)] == ids


def test_allows__who_is_asked__must_be_active_staff():
    def somebody(**given: Any) -> Any:
        return SimpleNamespace(**{"is_active": True, "is_staff": True, "has_perm": lambda *_: True} | given)

    assert permissions.allows(somebody(), "features:read") is True
    assert permissions.allows(somebody(is_staff=False), "features:read") is False
    assert permissions.allows(somebody(is_active=False), "features:read") is False
    assert permissions.allows(None, "features:read") is False
    with pytest.raises(UnknownRight):
        permissions.allows(somebody(), "features:fly")
    assert policy().permission("features:read") == "features.view_feature"
