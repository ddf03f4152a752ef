"""Staged enforcement: in the mode `log`, refusals to staff are only logged; everybody else is refused as ever."""

import pytest
from django.contrib.auth.models import AnonymousUser
from structlog.testing import capture_logs

from apps.accounts.models import User
from apps.core.publishing.models import Snapshot
from apps.features.models import Feature
from apps.providers.models import Endpoint
from tests.conftest import Api, make_user
from tests.features.builders import make_feature, make_model

OPEN = ["features.publish_feature", "features.change_feature", "prompts.delete_prompt", "mcp.add_tool"]
CLOSED = [
    "accounts.change_user",
    "accounts.view_user",
    "auth.change_group",
    "guardian.change_userobjectpermission",
    "quotas.change_account",
    "providers.change_secret",
    "sessions.view_session",
    "features.fly_feature",
]


@pytest.fixture
def log_only(settings):
    settings.POLICY_MODE = "log"


@pytest.fixture
def guest(db: None) -> User:
    """Staff without a role."""
    user = make_user("gus", role="viewer")
    user.groups.clear()
    return user


@pytest.mark.parametrize("permission", OPEN + CLOSED)
@pytest.mark.parametrize("mode", ["enforce", "log", "anything"])
def test_has_perm__staff_without_it__passes_in_log_mode_except_what_is_always_enforced(
    settings, guest, mode, permission
):
    settings.POLICY_MODE = mode

    assert guest.has_perm(permission) is (mode == "log" and permission in OPEN)


@pytest.mark.parametrize("permission", OPEN + CLOSED)
def test_has_perm__member_inactive_or_nobody__never_passes(log_only, db, permission):
    gone = make_user("gone", role="admin", is_active=False)

    assert [who.has_perm(permission) for who in (make_user("mia"), gone, AnonymousUser())] == [False] * 3


def test_has_perm__passed_in_log_mode__leaves_one_line_without_names(log_only, guest):
    with capture_logs() as lines:
        for _ in range(3):
            assert guest.has_perm("features.publish_feature")

    told = [line for line in lines if line["event"] == "permission.would_deny"]
    assert [(line["userId"], line["needed"]) for line in told] == [(guest.pk, "features.publish_feature")]
    assert "gus" not in str(told)


def test_has_perm__held_by_role__leaves_no_line(log_only, operator):
    with capture_logs() as lines:
        assert operator.has_perm("features.publish_feature")

    assert lines == []


def test_api__viewer_in_log_mode__publishes_and_it_is_logged(log_only, viewer):
    make_feature(published=True)
    Feature.objects.update(title="Changed")

    with capture_logs() as lines:
        answer = Api(viewer).post("/api/v1/admin/features/publish", json={"key": "greeter"})

    assert (answer.status_code, Snapshot.objects.filter(scope="feature").count()) == (200, 2)
    events = {line["event"] for line in lines}
    assert ("permission.would_deny" in events, "permission.denied" in events) == (True, False)


def test_api__member_in_log_mode__is_refused(log_only, member):
    make_feature(published=True)

    answer = Api(member).post("/api/v1/admin/features/publish", json={"key": "greeter"})

    assert (answer.status_code, Snapshot.objects.filter(scope="feature").count()) == (403, 1)


def test_admin__people_in_log_mode__stay_closed(log_only, client, viewer):
    client.force_login(viewer)

    answers = [client.get(f"/admin/accounts/user/{page}") for page in ("add/", f"{viewer.pk}/password/")]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert client.get("/admin/auth/group/").status_code == 403


def test_admin__key_in_log_mode__cannot_be_written(log_only, client, viewer):
    endpoint = make_model()
    client.force_login(viewer)
    form = {
        "key": "mock", "name": "Renamed", "handler_key": "mock", "base_url": "", "priority": 1, "timeout_seconds": 5,
        "max_retries": 0, "enabled": "on", "new_secret": "sk-of-somebody-else",
        "offers-TOTAL_FORMS": 0, "offers-INITIAL_FORMS": 0,
    }  # fmt: skip

    answer = client.post(f"/admin/providers/endpoint/{endpoint.pk}/change/", form)

    endpoint = Endpoint.objects.get(pk=endpoint.pk)
    assert (answer.status_code, endpoint.name, hasattr(endpoint, "secret")) == (302, "Renamed", False)


@pytest.mark.parametrize("page", ["/admin/", "/admin/prompts/prompt/", "/admin/prompts/prompt/add/"])
@pytest.mark.parametrize("mode", ["enforce", "log"])
def test_notice__every_page__says_that_rights_are_not_enforced(settings, client, operator, page, mode):
    settings.POLICY_MODE = mode
    client.force_login(operator)

    text = client.get(page).content.decode()

    assert ("Rights are not enforced." in text) is (mode == "log")


def test_notice__sign_in_page__says_nothing(log_only, client, db):
    assert "Rights are not enforced." not in client.get("/admin/login/").content.decode()
