"""Deleting, disabling or renaming a used part is refused with the list, by every door, and changes nothing."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.core import assets
from apps.core.publishing import usage
from apps.core.publishing.errors import PublishRefused
from apps.core.publishing.models import Snapshot
from apps.core.publishing.services import start_rollout, withdraw
from apps.core.publishing.usage import OnlyRoute, PartInUse, StillLive, refuse_used
from apps.features import services
from apps.features.models import Feature, MenuGroup
from apps.features.services import publish_feature
from apps.mcp.models import Server, Tool
from apps.pipelines.models import Pipeline
from apps.prompts.models import Prompt
from apps.providers.models import Endpoint, Offer
from apps.providers.services import refuse_removal
from tests.features.builders import make_feature, make_graph, make_model, make_prompt
from tests.features.test_usage import make_full

PARTS: list[type[Model]] = [Prompt, Pipeline, Server, Endpoint, MenuGroup]


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


def rows(*models: type[Model]) -> list[Any]:
    return [list(model._default_manager.order_by("pk").values()) for model in models]


EVERYTHING: tuple[type[Model], ...] = (
    Feature,
    Prompt,
    Pipeline,
    Server,
    Tool,
    Endpoint,
    Offer,
    MenuGroup,
    Group,
    Snapshot,
)


def delete(client: Client, row: Model) -> HttpResponse:
    return client.post(page(type(row), "delete", row.pk), {"post": "yes"}, follow=True)  # type: ignore[return-value]


def delete_selected(client: Client, model: type[Model], **more: Any) -> HttpResponse:
    chosen = [str(pk) for pk in model._default_manager.values_list("pk", flat=True)]
    form = {"action": "delete_selected", "_selected_action": chosen, **more}
    return client.post(page(model, "changelist"), form, follow=True)  # type: ignore[return-value]


# --- deletion --------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", PARTS)
@pytest.mark.parametrize("published", [True, False])
def test_delete__used_part__is_refused_with_the_list(root: Client, model: type[Model], published: bool) -> None:
    make_full(published=published)
    before = rows(*EVERYTHING)

    asked = root.get(page(model, "delete", model._default_manager.get().pk)).content.decode()
    answer = delete(root, model._default_manager.get()).content.decode()

    for shown in (asked, answer):
        assert "is in use and cannot be deleted" in shown
        assert ">Greeter</a>" in shown.partition('data-testid="obstacles"')[2]
        assert ("v1 live" in shown, "draft only" in shown) == (published, not published)
        assert 'name="post"' not in shown
    assert rows(*EVERYTHING) == before
    assert LogEntry.objects.count() == 0


@pytest.mark.parametrize("model", PARTS)
def test_delete_selected__one_of_them_is_used__deletes_none(root: Client, model: type[Model]) -> None:
    make_full()
    spare: dict[type[Model], Any] = {
        Prompt: lambda: make_prompt("spare"),
        Pipeline: lambda: Pipeline.objects.create(key="spare", name="Spare", graph={}),
        Server: lambda: Server.objects.create(key="spare", name="Spare", catalogue_id="image-tools"),
        Endpoint: lambda: Endpoint.objects.create(key="spare", name="Spare", handler_key="openai"),
        MenuGroup: lambda: MenuGroup.objects.create(key="spare", title="Spare"),
    }
    spare[model]()
    before = rows(*EVERYTHING)

    asked = delete_selected(root, model).content.decode()
    answer = delete_selected(root, model, post="yes").content.decode()

    for shown in (asked, answer):
        assert ">Greeter</a>" in shown.partition('data-testid="obstacles"')[2]
    assert rows(*EVERYTHING) == before
    assert LogEntry.objects.count() == 0


@pytest.mark.parametrize("model", PARTS)
def test_delete__unused_part__goes(root: Client, model: type[Model]) -> None:
    make_full()
    withdraw("feature", "greeter", by=None)
    Feature.objects.all().delete()

    assert delete(root, model._default_manager.get()).status_code == 200
    assert model._default_manager.count() == 0


@pytest.mark.parametrize("model", PARTS)
def test_delete_selected__unused_parts__go_and_are_logged(root: Client, model: type[Model]) -> None:
    make_full()
    withdraw("feature", "greeter", by=None)
    Feature.objects.all().delete()

    asked = delete_selected(root, model).content.decode()
    delete_selected(root, model, post="yes")

    assert "obstacles" not in asked
    assert (model._default_manager.count(), LogEntry.objects.count()) == (0, 1)


@pytest.mark.parametrize("in_form", [True, False])
def test_delete__role_that_a_feature_names__is_refused(root: Client, in_form: bool) -> None:
    group = Group.objects.create(name="testers")
    named = {"form_schema": {"type": "object", "properties": {"a": {"x-roles": ["testers"]}}}} if in_form else {}
    feature = make_feature(**named)
    in_form or feature.roles.add(group)
    before = list(feature.roles.values_list("name", flat=True))

    answer = delete(root, group).content.decode()

    assert ">Greeter</a>" in answer.partition('data-testid="obstacles"')[2]
    assert (Group.objects.filter(name="testers").exists(), list(feature.roles.values_list("name", flat=True))) == (
        True,
        before,
    )


def test_delete__role_without_features__goes(root: Client) -> None:
    group = Group.objects.create(name="testers")

    delete(root, group)

    assert not Group.objects.filter(name="testers").exists()


def test_delete__somebody_began_to_use_it_after_the_page_was_shown__is_refused(
    root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: the first look of the request finds nothing, as another operator saves between it and the deletion
    prompt = make_prompt("fresh")
    real, looks = usage.uses_of_kind, []

    def late(kind: Any) -> Any:
        looks.append(kind)
        if len(looks) == 2:
            graph = make_graph()
            graph["nodes"][1]["config"] = {"prompt": "fresh"}
            make_feature(graph=graph)
        return real(kind)

    monkeypatch.setattr(usage, "uses_of_kind", late)

    answer = delete(root, prompt)

    assert "Still in use by “Greeter”" in answer.content.decode()
    assert Prompt.objects.filter(key="fresh").exists()
    assert LogEntry.objects.count() == 0


def test_delete_selected__somebody_began_to_use_one_meanwhile__deletes_none(
    root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_prompt("one")
    make_prompt("two")
    answers = [None, PartInUse([usage.Use(kind="feature", key="x", title="X")])]

    def late(_kind: Any, _keys: Any) -> None:
        if error := answers.pop(0):
            raise error

    monkeypatch.setattr(usage, "refuse_used", late)

    answer = delete_selected(root, Prompt, post="yes").content.decode()

    assert "Still in use by “X”" in answer
    assert (Prompt.objects.count(), LogEntry.objects.count()) == (2, 0)


def test_delete__only_the_database_sees_the_use__is_refused_in_our_words(
    root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    menu = MenuGroup.objects.create(key="spare", title="Spare")

    def refused(*args: object) -> None:
        raise IntegrityError("foreign key")

    monkeypatch.setattr(MenuGroup, "delete", refused)

    answer = delete(root, menu)

    assert "something that was added just now" in answer.content.decode()
    assert (MenuGroup.objects.filter(key="spare").exists(), LogEntry.objects.count()) == (True, 0)


def test_prompt__deleted_while_a_colleague_begins_to_use_it__the_draft_says_so_and_live_is_untouched(db: None) -> None:
    """What holds when the two cross: what is live keeps its text, the draft names what is missing."""
    make_full()
    live = Snapshot.objects.get(scope="feature").body
    graph = make_graph()
    graph["nodes"][1]["config"] = {"prompt": "fresh"}
    make_prompt("fresh").delete()  # committed between the colleague's look and save
    Pipeline.objects.update(graph=graph)

    with pytest.raises(PublishRefused) as refused:
        publish_feature("greeter", by=None)

    problems = refused.value.details["problems"]
    assert [problem["code"] for problem in problems if problem["level"] == "error"] == ["E_PROMPT_UNKNOWN"]
    assert Snapshot.objects.get(scope="feature").body == live
    assert Prompt.history.filter(key="fresh", history_type="-").exists()


# --- features --------------------------------------------------------------------------------------


def test_delete__live_feature__has_to_be_withdrawn_first(root: Client) -> None:
    feature = make_full()
    before = rows(*EVERYTHING)

    asked = root.get(page(Feature, "delete", feature.pk)).content.decode()
    refused = delete(root, feature).content.decode()
    selected = delete_selected(root, Feature, post="yes").content.decode()

    for shown in (asked, refused, selected):
        assert "People use what is live. Withdraw it first" in shown
        assert ">Greeter</a>" in shown.partition('data-testid="obstacles"')[2]
    assert rows(*EVERYTHING) == before
    withdraw("feature", "greeter", by=None)
    delete(root, feature)
    assert Feature.objects.count() == 0


def test_refuse_live__only_some_people_get_it__is_live_too(db: None) -> None:
    feature = make_feature()
    start_rollout("feature", "greeter", percent=5, by=None)

    with pytest.raises(StillLive) as refused:
        services.refuse_live([feature])

    assert [(use["live"], use["candidate"]) for use in refused.value.details["uses"]] == [(None, 1)]


def test_delete__draft_that_was_never_released__goes(root: Client) -> None:
    delete(root, make_feature())

    assert Feature.objects.count() == 0


# --- models ----------------------------------------------------------------------------------------


def endpoint_form(endpoint: Endpoint, **changes: Any) -> dict[str, Any]:
    offers = list(endpoint.offers.all())
    form: dict[str, Any] = {
        "key": endpoint.key,
        "name": endpoint.name,
        "handler_key": endpoint.handler_key,
        "base_url": "",
        "priority": endpoint.priority,
        "timeout_seconds": 5,
        "max_retries": 0,
        "enabled": "on",
        "offers-TOTAL_FORMS": len(offers),
        "offers-INITIAL_FORMS": len(offers),
    }
    for number, offer in enumerate(offers):
        form |= {
            f"offers-{number}-id": offer.pk,
            f"offers-{number}-endpoint": endpoint.pk,
            f"offers-{number}-model": offer.model,
            f"offers-{number}-capabilities": ["chat"],
            f"offers-{number}-context_window": 10,
            f"offers-{number}-enabled": "on",
        }
    return {key: value for key, value in (form | changes).items() if value is not None}


def save(client: Client, row: Model, form: dict[str, Any]) -> HttpResponse:
    return client.post(page(type(row), "change", row.pk), form, follow=True)  # type: ignore[return-value]


LOSSES: list[dict[str, Any]] = [
    {"enabled": None},
    {"handler_key": "openai"},
    {"offers-0-DELETE": "on"},
    {"offers-0-enabled": None},
    {"offers-0-capabilities": ["image"]},
]


@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize("change", LOSSES)
def test_save_endpoint__last_route_would_go__is_a_form_error_naming_the_features(
    root: Client, change: dict[str, Any], published: bool
) -> None:
    make_full(published=published)
    endpoint = Endpoint.objects.get()
    before = rows(*EVERYTHING)

    answer = save(root, endpoint, endpoint_form(endpoint, **change))

    assert answer.status_code == 200
    assert "No other model could answer for “Greeter”" in answer.content.decode()
    assert rows(*EVERYTHING) == before


@pytest.mark.parametrize("change", LOSSES)
def test_save_endpoint__another_can_answer__is_saved_with_a_warning(root: Client, change: dict[str, Any]) -> None:
    make_full()
    make_model("spare")
    endpoint = Endpoint.objects.get(key="mock")

    answer = save(root, endpoint, endpoint_form(endpoint, **change))

    assert "Other models answer from now on for “Greeter”." in answer.content.decode()
    latest = Snapshot.objects.filter(scope="providers").order_by("-version")[0].payload["endpoints"]
    answering = {entry["key"] for entry in latest for offer in entry["offers"] if "chat" in offer["capabilities"]}
    assert answering - ({"mock"} if change == {"handler_key": "openai"} else set()) == {"spare"}


def test_save_endpoint__named_model_is_renamed__is_refused(root: Client) -> None:
    graph = make_graph()
    graph["nodes"][2]["config"] = {"model": "mock-1"}
    make_feature(graph=graph)
    endpoint = Endpoint.objects.get()

    answer = save(root, endpoint, endpoint_form(endpoint, **{"offers-0-model": "other"}))

    assert "No other model could answer for “Greeter”" in answer.content.decode()
    assert Offer.objects.get().model == "mock-1"


def test_save_endpoint__capability_is_still_offered__may_be_renamed(root: Client) -> None:
    make_full()
    endpoint = Endpoint.objects.get()

    save(root, endpoint, endpoint_form(endpoint, **{"offers-0-model": "other", "key": "renamed"}))

    assert (Offer.objects.get().model, Endpoint.objects.get().key) == ("other", "renamed")


def test_save_endpoint__what_was_broken_before__does_not_stand_in_the_way(root: Client) -> None:
    make_full()
    graph = make_graph()
    graph["nodes"][2]["config"] = {"model": "never-heard-of"}
    make_feature("hopeless", graph=graph)
    endpoint = Endpoint.objects.get()

    answer = save(root, endpoint, endpoint_form(endpoint, priority=3))

    assert (answer.status_code, Endpoint.objects.get().priority) == (200, 3)


def test_delete__endpoint_others_can_replace__says_whom_it_touches_and_goes(root: Client) -> None:
    make_full()
    make_model("spare")
    endpoint = Endpoint.objects.get(key="mock")

    asked = root.get(page(Endpoint, "delete", endpoint.pk)).content.decode()
    delete(root, endpoint)

    assert "Other models answer from now on for “Greeter”." in asked
    assert [row.key for row in Endpoint.objects.all()] == ["spare"]
    latest = Snapshot.objects.filter(scope="providers").order_by("-version")[0].payload
    assert [entry["key"] for entry in latest["endpoints"]] == ["spare"]


def test_delete_selected__endpoints_that_only_together_are_the_route__is_refused(root: Client) -> None:
    make_full()
    make_model("spare")
    before = rows(*EVERYTHING)

    answer = delete_selected(root, Endpoint, post="yes").content.decode()

    assert ">Greeter</a>" in answer.partition('data-testid="obstacles"')[2]
    assert rows(*EVERYTHING) == before
    with pytest.raises(OnlyRoute):
        refuse_removal(Endpoint.objects.all())


# --- tools -----------------------------------------------------------------------------------------


def server_form(server: Server, **changes: Any) -> dict[str, Any]:
    tool = server.tools.get()
    form: dict[str, Any] = {
        "key": server.key,
        "name": server.name,
        "transport": server.transport,
        "catalogue_id": server.catalogue_id,
        "timeout_seconds": 60,
        "enabled": "on",
        "token_header": "Authorization",
        "max_retries": 2,
        "pin_version": "on",
        "tools-TOTAL_FORMS": 1,
        "tools-INITIAL_FORMS": 1,
        "tools-0-id": tool.pk,
        "tools-0-server": server.pk,
        "tools-0-allowed": "on",
    }
    return {key: value for key, value in (form | changes).items() if value is not None}


@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize("change", [{"enabled": None}, {"tools-0-allowed": None}, {"key": "other"}])
def test_save_server__used_tool_would_stop__is_a_form_error_naming_the_features(
    root: Client, change: dict[str, Any], published: bool
) -> None:
    make_full(published=published)
    server = Server.objects.get()
    before = rows(*EVERYTHING)

    answer = save(root, server, server_form(server, **change))

    assert "Still in use by “Greeter”" in answer.content.decode()
    assert rows(*EVERYTHING) == before


@pytest.mark.parametrize("change", [{"enabled": None}, {"tools-0-allowed": None}, {"key": "other"}])
def test_save_server__nobody_uses_it__is_saved(root: Client, change: dict[str, Any]) -> None:
    make_full()
    withdraw("feature", "greeter", by=None)
    Feature.objects.all().delete()
    server = Server.objects.get()

    save(root, server, server_form(server, **change))

    server.refresh_from_db()
    assert (server.enabled, server.tools.get().allowed, server.key) == (
        "enabled" not in change,
        change == {"enabled": None},  # under another name nothing was approved
        change.get("key", "shop"),
    )


def test_save_server__other_changes__are_saved_while_in_use(root: Client) -> None:
    make_full()
    server = Server.objects.get()

    save(root, server, server_form(server, name="Workshop"))

    assert Server.objects.get().name == "Workshop"


# --- names -----------------------------------------------------------------------------------------


def test_save_prompt__key_that_a_feature_names__stays(root: Client) -> None:
    make_full()
    prompt = Prompt.objects.get()
    form = {"key": "other", "name": "Other", "system": "", "body": "Greet {{ name }}.", "variables": "[]"}

    answer = save(root, prompt, form).content.decode()

    assert "Still in use by “Greeter”" in answer
    assert Prompt.objects.values_list("key", "name").get() == ("greeting", "Greeting")
    save(root, prompt, form | {"key": "greeting", "variables": '[{"name": "name"}]'})
    assert Prompt.objects.values_list("key", "name").get() == ("greeting", "Other")


def test_save_role__name_that_a_release_holds__stays(root: Client) -> None:
    group = Group.objects.create(name="testers")
    feature = make_feature()
    feature.roles.add(group)
    publish_feature("greeter", by=None)
    feature.roles.clear()

    answer = save(root, group, {"name": "others"}).content.decode()

    assert "Still in use by “Greeter”" in answer
    assert Group.objects.filter(name="testers").exists()


# --- people ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_delete__without_the_right__is_forbidden_as_ever(client: Client, db: None, request: Any, role: str) -> None:
    make_full()
    client.force_login(request.getfixturevalue(role))

    answer = client.post(page(Prompt, "delete", Prompt.objects.get().pk), {"post": "yes"})

    assert (answer.status_code, Prompt.objects.count()) == (403, 1)


def test_refuse_used__part_of_a_feature__is_a_409_with_the_uses(db: None) -> None:
    make_full()

    with pytest.raises(PartInUse) as refused:
        refuse_used("prompt", ["greeting"])

    assert refused.value.status == 409
    assert [(use["key"], use["live"]) for use in refused.value.details["uses"]] == [("greeter", 1)]


def signed_in(user: User) -> Client:
    """Before the race: two sign-ins of one person at once are another story."""
    client = Client()
    client.force_login(user)
    return client


# --- at once ---------------------------------------------------------------------------------------


def test_save_endpoint__two_operators_switch_off_the_last_two_at_once__one_is_refused(transactional_db: None) -> None:
    make_full()
    make_model("spare")
    root = User.objects.create_superuser("root", password="x")
    start = Barrier(2, timeout=60)
    clients = {key: signed_in(root) for key in ("mock", "spare")}

    def switch_off(key: str) -> str:
        client = clients[key]
        endpoint = Endpoint.objects.get(key=key)
        form = endpoint_form(endpoint, enabled=None)
        start.wait()
        try:
            return client.post(page(Endpoint, "change", endpoint.pk), form, follow=True).content.decode()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(switch_off, ["mock", "spare"]))

    assert sum("No other model could answer for “Greeter”" in answer for answer in answers) == 1
    assert Endpoint.objects.filter(enabled=True).count() == 1
    latest = Snapshot.objects.filter(scope="providers").order_by("-version")[0].payload
    assert len(latest["endpoints"]) == 1


def test_delete__two_operators_delete_and_begin_to_use_a_prompt_at_once__live_holds_its_text(
    transactional_db: None,
) -> None:
    make_full()
    make_prompt("fresh")
    graph = make_graph()
    graph["nodes"][1]["config"] = {"prompt": "fresh"}
    root = User.objects.create_superuser("root", password="x")
    start = Barrier(2, timeout=60)
    client = signed_in(root)

    def remove() -> None:
        start.wait()
        delete(client, Prompt.objects.get(key="fresh"))
        connection.close()

    def begin_to_use() -> list[str]:
        try:
            start.wait()
            Pipeline.objects.update(graph=graph)
            return ["live", *publish_feature("greeter", by=None).payload["prompts"]]
        except PublishRefused as refused:
            return [problem["code"] for problem in refused.details["problems"]]
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        removed, began = pool.submit(remove), pool.submit(begin_to_use)
        removed.result()
        told = began.result()

    # Either order is sound: the release froze the text, or the draft was told what is missing.
    assert told in (["live", "fresh"], ["E_PROMPT_UNKNOWN"])
    assert told == ["live", "fresh"] or not Prompt.objects.filter(key="fresh").exists()
