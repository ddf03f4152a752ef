"""Preview links: the draft for whoever holds one, as long as its maker may, and for nobody's cache."""

from datetime import timedelta

import jwt
import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.utils import timezone
from guardian.shortcuts import assign_perm, remove_perm

from apps.accounts.tokens import sign_access
from apps.core.config import reader
from apps.features import delivery, preview
from apps.features.models import Feature
from apps.features.preview import make_link, open_draft
from tests.conftest import Api
from tests.features.builders import FORM, make_feature
from tests.features.test_ui_contract import ROUTES, contract

pytestmark = pytest.mark.django_db(transaction=True)  # the draft is read in a thread of its own


@pytest.fixture
def greeter(db):
    """Live as `Greeter`; its draft is switched off, for admins only, and says otherwise."""
    feature = make_feature(published=True)
    make_feature("other", title="Another", published=True)
    Feature.objects.filter(pk=feature.pk).update(title="Not yet live", enabled=False)
    feature.roles.set([Group.objects.get(name="admin")])
    feature.refresh_from_db()
    return feature


def link(user, key: str = "greeter"):  # type: ignore[no-untyped-def]
    return Api(user).post(f"/api/v1/admin/features/{key}/preview-link")


@pytest.fixture
def token(greeter, editor) -> str:
    return make_link("greeter", by=editor).token


def read(token: str, path: str = "schema?feature=greeter", user=None):  # type: ignore[no-untyped-def]
    return Api(user).get(f"/api/v1/ui/{path}{'&' if '?' in path else '?'}preview={token}")


def test_link__editor_or_admin__gets_an_address_for_an_hour(greeter, editor, operator):
    for user in (editor, operator):
        answer = link(user)
        body = answer.json()

        assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
        assert body["url"] == f"{settings.BASE_URL}/f/greeter?preview={body['token']}"
        assert read(body["token"]).json()["preview"]["feature"] == "greeter"
        assert body["expires_at"] == read(body["token"]).json()["preview"]["expires_at"].replace("+00:00", "Z")


def test_link__whoever_may_publish_but_not_change__may_too(greeter, viewer):
    assert link(viewer).status_code == 403
    viewer.user_permissions.add(Permission.objects.get(codename="publish_feature"))

    assert link(viewer).status_code == 201


def test_link__right_on_this_feature_alone__is_enough_for_it_and_ends_with_it(greeter, viewer):
    assign_perm("change_feature", viewer, greeter)
    answer = link(viewer)

    assert (answer.status_code, link(viewer, "other").status_code) == (201, 403)
    assert read(answer.json()["token"]).status_code == 200
    remove_perm("change_feature", viewer, greeter)
    assert read(answer.json()["token"]).json()["code"] == "FEATURES_2042"


def test_link__member_visitor_or_unknown_feature__is_refused(greeter, member, editor):
    assert [link(user).status_code for user in (member, None)] == [403, 401]
    assert link(editor, "ghost").status_code == 404


def test_link__session_of_the_admin__needs_the_csrf_token(greeter, editor):
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)

    assert client.post("/api/v1/admin/features/greeter/preview-link").status_code == 403


@pytest.mark.parametrize("path", ["menus", "features", "schema", "schema?feature=greeter"])
def test_read__with_the_link__draft_for_anybody_and_the_own_audience_else(greeter, token, member, path):
    answers = [read(token, path, user) for user in (None, member)]

    for answer in answers:
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        assert "ETag" not in answer.headers
        assert ("Not yet live" in answer.text, '"Greeter"' in answer.text) == (True, False)
        contract(ROUTES[f"/api/v1/ui/{path}"]).validate(answer.json())
    assert ["Another" in answer.text for answer in answers] == [path != "schema?feature=greeter"] * 2


def test_read__with_the_link__draft_is_not_to_be_run_and_others_are(token, member):
    permissions = read(token, "schema", member).json()["permissions"]

    assert permissions == {"greeter": {"run": False}, "other": {"run": True}}
    assert read(token, user=member).json()["feature"]["version"] == 0


def test_read__without_the_link__nothing_of_the_draft_was_kept(token, member):
    read(token, "menus", member)

    assert len(delivery.bodies) == 0
    assert "Not yet live" not in Api(member).get("/api/v1/ui/menus").text


def test_read__another_feature_by_the_link__is_the_live_one(token, member):
    answer = read(token, "schema?feature=other", member)

    assert (answer.json()["feature"]["version"], answer.json()["preview"]["feature"]) == (1, "greeter")


def test_read__draft_changes__link_shows_it_as_it_stands(token):
    Feature.objects.filter(key="greeter").update(title="Changed again")

    assert read(token).json()["feature"]["title"] == "Changed again"


def test_read__field_for_some_roles__is_theirs_in_the_draft_too(token, member, operator):
    secret = {"type": "string", "x-roles": ["admin"]}
    Feature.objects.filter(key="greeter").update(form_schema={**FORM, "properties": {"secret": secret}})

    assert ["secret" in read(token, user=user).text for user in (None, member, operator)] == [False, False, True]


@pytest.mark.parametrize(
    "broken", [{}, [], "text", 3, None, {"properties": 3}, {"type": "object", "properties": {"a": True}}]
)
def test_read__draft_that_could_not_be_released__is_shown_as_far_as_it_goes(token, broken):
    changes = {"form_schema": broken, "output_schema": broken, "ui_schema": broken, "table": broken, "degrade": broken}
    Feature.objects.filter(key="greeter").update(
        **{k: v if v is not None else "" for k, v in changes.items()}, cost=None
    )

    for path in ("features", "schema", "schema?feature=greeter"):
        answer = read(token, path)
        assert answer.status_code == 200
        contract(ROUTES[f"/api/v1/ui/{path}"]).validate(answer.json())


def forged(**changes) -> str:  # type: ignore[no-untyped-def]
    claims = jwt.decode(changes.pop("of"), settings.SIGNING_KEYS[0], algorithms=["HS256"], audience="paiban-preview")
    return jwt.encode({**claims, **changes}, changes.pop("key", settings.SIGNING_KEYS[0]), algorithm="HS256")


def test_read__token_is_nonsense_foreign_or_of_another_kind__is_refused(token, editor):
    other_key = jwt.encode({"typ": "preview"}, "x" * 40, algorithm="HS256")
    unsigned = jwt.encode({"typ": "preview"}, None, algorithm="none")
    wrong = ["", "x", "a.b.c", token[:-3], other_key, unsigned, sign_access(editor), forged(of=token, typ="access")]
    wrong += [forged(of=token, aud="paiban"), forged(of=token, iss="other")]

    for given in wrong:
        answer = read(given)
        assert (answer.status_code, answer.json()["code"]) == (400, "FEATURES_2040"), given


def test_read__access_token_place__preview_token_is_none(token):
    answer = Api().get("/api/v1/ui/menus", headers={"Authorization": f"Bearer {token}"})

    assert (answer.status_code, answer.json()["code"]) == (401, "ACCOUNTS_2003")


def test_read__an_hour_later__has_lapsed(token):
    past = forged(of=token, exp=timezone.now() - timedelta(minutes=1))

    assert (read(past).status_code, read(past).json()["code"]) == (410, "FEATURES_2041")


def test_read__signing_key_was_rotated__still_works_until_the_old_one_goes(token, settings):
    old = settings.SIGNING_KEYS
    settings.SIGNING_KEYS = ["a-new-signing-key-of-at-least-32-bytes", *old]
    assert read(token).status_code == 200
    settings.SIGNING_KEYS = settings.SIGNING_KEYS[:1]

    assert read(token).json()["code"] == "FEATURES_2040"


def sign_out_everywhere(user) -> None:  # type: ignore[no-untyped-def]
    user.set_password("another-pass-2")
    user.save()


def switch_off(user) -> None:  # type: ignore[no-untyped-def]
    user.is_active = False
    user.save()


def demote(user) -> None:  # type: ignore[no-untyped-def]
    user.groups.set([Group.objects.get(name="viewer")])


def leave_staff(user) -> None:  # type: ignore[no-untyped-def]
    user.is_staff = False
    user.save()


@pytest.mark.parametrize("happens", [sign_out_everywhere, switch_off, demote, leave_staff, lambda user: user.delete()])
def test_read__maker_lost_the_right__link_ends_at_once(token, editor, happens):
    assert read(token).status_code == 200
    happens(editor)

    answer = read(token)

    assert (answer.status_code, answer.json()["code"]) == (403, "FEATURES_2042")


def test_read__draft_was_deleted__nothing_here(token):
    Feature.objects.filter(key="greeter").delete()

    assert read(token).status_code == 404


def test_open__draft__reads_as_released_to_everybody_and_changes_nothing(token, greeter):
    draft = open_draft(token)

    assert (draft.key, draft.payload["enabled"], draft.payload["roles"]) == ("greeter", True, [])
    greeter.refresh_from_db()
    assert (greeter.enabled, reader.get("feature", "greeter")[0]) == (False, 1)


def test_services__names__are_listed():
    assert all(hasattr(preview, name) for name in preview.__all__)
