"""The card "Used by", the column of the lists, and "Who is touched" on the publish page."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.core import assets
from apps.core.publishing.services import start_rollout, withdraw
from apps.features.blast import blast
from apps.features.models import Feature, MenuGroup
from apps.features.services import publish_feature
from apps.mcp.models import Server, Tool
from apps.pipelines.models import Pipeline
from apps.prompts.models import Prompt
from apps.providers.models import Endpoint, Offer
from tests.conftest import make_user
from tests.features.builders import make_feature, make_prompt
from tests.features.test_usage import full_graph, make_full

PARTS: list[type[Model]] = [Prompt, Pipeline, Server, Endpoint, MenuGroup, Group]


@pytest.fixture(autouse=True)
def _front_end(monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = {entry: {"file": "x-1.js"} for entry in ("src/boot.ts", "src/admin.tsx", "src/storefront.tsx")}
    monkeypatch.setattr(assets, "_manifest", lambda: manifest)


@pytest.fixture
def root(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("root", password="x"))
    return client


def page(model: type[Model], name: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def row_of(model: type[Model]) -> Model:
    return Group.objects.get(name="member") if model is Group else model._default_manager.get()


def section(html: str, name: str) -> str:
    """The words of one section, without markup."""
    inside = html.partition(f'data-testid="{name}"')[2].partition("</section>")[0].partition(">")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", inside).split())


def card(client: Client, model: type[Model], row: Model | None = None) -> str:
    shown = client.get(page(model, "change", (row or row_of(model)).pk))
    assert shown.status_code == 200
    return section(shown.content.decode(), "used-by")


# --- the card --------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", PARTS)
def test_card__live_feature__is_named_with_its_version_menu_and_roles(root: Client, model: type[Model]) -> None:
    make_full()

    words = card(root, model)

    assert words.startswith("Used by 1 feature")
    assert "Greeter v1 live" in words
    assert "Menus: Texts · Roles: member" in words
    assert "older" not in words


@pytest.mark.parametrize("model", PARTS)
def test_card__draft_only__says_so(root: Client, model: type[Model]) -> None:
    make_full(published=False)

    assert "Greeter draft only" in card(root, model)


@pytest.mark.parametrize("model", PARTS)
def test_card__nobody_uses_it__says_that_too(root: Client, model: type[Model]) -> None:
    make_full().delete()
    withdraw("feature", "greeter", by=None)

    words = "No feature asks for this role. Whoever has it keeps" if model is Group else "No feature uses this yet."
    assert card(root, model).startswith(f"Used by {words}")


@pytest.mark.parametrize("model", PARTS)
def test_card__new_row__has_none(root: Client, model: type[Model]) -> None:
    assert 'data-testid="used-by"' not in root.get(page(model, "add")).content.decode()


@pytest.mark.parametrize(
    ("model", "change", "words"),
    [
        (Prompt, {"body": "Hi {{ name }}"}, "live uses an older text"),
        (Pipeline, {"graph": {}}, "live runs an older graph"),
        (MenuGroup, {"title": "Words"}, "live shows the former heading"),
    ],
)
def test_card__changed_since__says_that_live_is_older_and_leads_to_publish(
    root: Client, model: type[Model], change: dict[str, Any], words: str
) -> None:
    feature = make_full()
    model._default_manager.update(**change)

    html = root.get(page(model, "change", row_of(model).pk)).content.decode()

    assert f"{words}, publish to renew" in section(html, "used-by").replace(" ,", ",")
    assert f'href="{page(Feature, "release", feature.pk)}"' in html


def test_card__older_but_the_draft_let_go__does_not_ask_to_publish(root: Client) -> None:
    feature = make_full()
    Prompt.objects.update(body="Hi")
    Feature.objects.filter(pk=feature.pk).update(pipeline=Pipeline.objects.create(key="e", name="E", graph={}))

    words = card(root, Prompt)

    assert "v1 live no longer in the draft live uses an older text" in words
    assert "publish to renew" not in words


def test_card__gradual_release__is_named(root: Client) -> None:
    make_full()
    Prompt.objects.update(body="Hi {{ name }}")
    start_rollout("feature", "greeter", percent=5, by=None)

    assert "v1 live v2 for some" in card(root, Prompt)


def test_card__tool_server__lists_each_tool(root: Client) -> None:
    make_full()
    Tool.objects.create(server=Server.objects.get(), name="resize", sha256="a", seen_sha256="a")

    words = card(root, Server)

    assert "cut 1 feature Greeter v1 live" in words
    assert words.endswith("Not used: resize")


def test_card__endpoint__lists_each_model_and_marks_the_only_route(root: Client) -> None:
    make_full()
    Offer.objects.create(endpoint=Endpoint.objects.get(), model="painter", capabilities=["draw"])

    words = card(root, Endpoint)

    assert "mock-1 1 feature Greeter v1 live no other model could answer" in words
    assert words.endswith("Not used: painter")


def test_card__only_the_draft_uses_the_role__shows_whom_the_draft_will_reach(root: Client) -> None:
    feature = make_feature(published=True)
    feature.roles.set([Group.objects.get(name="member")])

    assert "Greeter draft only Texts · member" in card(root, Group)


def test_card__tool_changed_since__is_marked_on_its_line(root: Client) -> None:
    make_full()
    Tool.objects.update(sha256="b" * 64, seen_sha256="b" * 64)

    assert "cut 1 feature live knows the tool as it was Greeter" in card(root, Server)


def test_card__script_in_a_title__is_escaped(root: Client) -> None:
    make_full()
    Feature.objects.update(title="<script>alert(1)</script>")

    html = root.get(page(Prompt, "change", Prompt.objects.get().pk)).content.decode()
    asked = root.get(page(Prompt, "delete", Prompt.objects.get().pk)).content.decode()

    assert "<script>alert(1)" not in html + asked
    assert "&lt;script&gt;alert(1)" in html
    assert "&lt;script&gt;alert(1)" in asked


def test_card__viewer__reads_it_without_a_way_to_publish(client: Client, viewer: User) -> None:
    feature = make_full()
    Prompt.objects.update(body="Hi")
    client.force_login(viewer)

    html = client.get(page(Prompt, "change", Prompt.objects.get().pk)).content.decode()

    assert "publish to renew" in section(html, "used-by")
    assert page(Feature, "release", feature.pk) not in html


def test_card__no_right_to_see_features__tells_nothing(client: Client, db: None) -> None:
    make_full()
    user = make_user("pat")
    user.is_staff = True
    user.save()
    user.user_permissions.add(Permission.objects.get(codename="view_prompt"))
    client.force_login(user)

    shown = client.get(page(Prompt, "change", Prompt.objects.get().pk)).content.decode()
    listed = client.get(page(Prompt, "changelist")).content.decode()

    assert "Greeter" not in shown + listed
    assert "1 feature" not in listed


# --- lists -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", PARTS)
def test_list__rows__say_by_how_many_they_are_used(root: Client, model: type[Model]) -> None:
    make_full()
    make_feature("second", graph=full_graph()).roles.add(Group.objects.get(name="member"))

    html = root.get(page(model, "changelist")).content.decode()

    assert "used by" in html.lower()
    assert ("1 feature" if model is Pipeline else "2 features") in html


@pytest.mark.parametrize("model", PARTS)
def test_list__twenty_features__cost_the_queries_of_one(root: Client, model: type[Model]) -> None:
    make_full()

    def queries() -> int:
        root.get(page(model, "changelist"))
        with CaptureQueriesContext(connection) as seen:
            assert root.get(page(model, "changelist")).status_code == 200
        return len(seen)

    one = queries()
    for number in range(19):
        make_prompt(f"prompt-{number}")
        make_feature(f"more-{number}", graph=full_graph(), published=True)

    assert queries() == one


@pytest.mark.parametrize("model", [Prompt, Pipeline, Server, Endpoint, MenuGroup, Group])
def test_card__twenty_features__cost_the_queries_of_one(root: Client, model: type[Model]) -> None:
    make_full()
    row = row_of(model)

    def queries() -> int:
        card(root, model, row)
        with CaptureQueriesContext(connection) as seen:
            card(root, model, row)
        return len(seen)

    one = queries()
    for number in range(19):
        make_feature(f"more-{number}", graph=full_graph(), published=True)

    assert queries() == one


# --- who is touched --------------------------------------------------------------------------------


def touched(client: Client, feature: Feature) -> str:
    return section(client.get(page(Feature, "release", feature.pk)).content.decode(), "blast")


def test_publish_page__first_release__says_whom_it_reaches(root: Client) -> None:
    feature = make_full(published=False)

    words = touched(root, feature)

    assert words == ("Who is touched Reaches member Menu Texts Running tasks none yet: this is its first release")


def test_publish_page__next_release__keeps_running_tasks(root: Client) -> None:
    feature = make_feature(published=True)
    Feature.objects.update(title="Hello")

    words = touched(root, feature)

    assert "Reaches everybody who signs in" in words
    assert "finish with the version they began with; new ones no longer get version 1" in words
    assert "now:" not in words


def test_publish_page__fewer_roles__warns_who_loses_it(root: Client) -> None:
    feature = make_full()
    feature.roles.set([Group.objects.get(name="viewer")])

    words = touched(root, feature)

    assert "Reaches viewer (now: member)" in words
    assert "fewer people These roles lose it: member." in words


def test_publish_page__everybody_no_longer__warns(root: Client) -> None:
    feature = make_feature(published=True)
    feature.roles.set([Group.objects.get(name="viewer")])

    assert "fewer people Everybody sees it now; afterwards only the roles above." in touched(root, feature)


def test_publish_page__switched_off_and_moved__says_both(root: Client) -> None:
    feature = make_feature(published=True)
    other = MenuGroup.objects.create(key="other", title="Other")
    Feature.objects.update(enabled=False, menu=other)

    words = touched(root, feature)

    assert "Reaches nobody: it is switched off in the menu (now: everybody who signs in)" in words
    assert "Menu Other (now: Texts)" in words


def test_publish_page__shared_parts__names_the_others_and_that_they_are_not_touched(root: Client) -> None:
    feature = make_feature(published=True)
    make_feature("second", title="Second", published=True)
    make_feature("third", title="Third", graph={"nodes": []})
    Feature.objects.filter(pk=feature.pk).update(title="Greeter again")

    words = touched(root, feature)

    assert "1 other feature shares its pipeline or prompts. It is not touched until it is published itself." in words
    assert "Second v1 live" in words
    assert "Third" not in words


def test_blast__unknown_draft__is_none(db: None) -> None:
    assert blast("nobody") is None


def test_blast__twenty_features__cost_the_queries_of_one(db: None) -> None:
    make_full()
    blast("greeter")
    with CaptureQueriesContext(connection) as one:
        blast("greeter")
    for number in range(19):
        make_feature(f"more-{number}", graph=full_graph(), published=True)
    publish_feature("greeter", by=None)
    blast("greeter")

    with CaptureQueriesContext(connection) as twenty:
        found = blast("greeter")

    assert found is not None
    assert (len(found.sharing), len(twenty)) == (19, len(one))
