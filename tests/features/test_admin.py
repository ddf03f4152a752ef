"""The CMS: every page for every role, in a constant number of queries; releases by POST alone."""

from collections.abc import Callable

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.keys.scopes import scopes
from apps.accounts.keys.services import create_key
from apps.accounts.models import ApiKey, User
from apps.core import assets
from apps.core.publishing.models import Snapshot
from apps.features.models import Feature, MenuGroup
from apps.mcp.models import Server, Tool
from apps.pipelines.models import Pipeline
from apps.prompts.models import CaseRun, Prompt, PromptCase, PromptVersion
from apps.prompts.services import save_version
from apps.providers.models import Endpoint, Offer
from apps.quotas.models import Account, UserBudget
from apps.quotas.services import account_of, grant
from apps.tasks.models import Task
from apps.tasks.services import create_task
from tests.conftest import make_user
from tests.features.builders import make_feature, make_graph, make_model, make_prompt

ROLES = ["viewer", "editor", "admin", "member"]
PARTS = {Feature, MenuGroup, Pipeline, Prompt, PromptCase, Endpoint, Server}
PEOPLE = {User, ApiKey, UserBudget}
READ_ONLY = {Account, Task, PromptVersion, CaseRun}
DISCOVERED = {Tool}  # made by asking a server, changed by hand


@pytest.fixture(autouse=True)
def _front_end(monkeypatch):
    manifest = {entry: {"file": "x-1.js"} for entry in ("src/boot.ts", "src/admin.tsx", "src/storefront.tsx")}
    monkeypatch.setattr(assets, "_manifest", lambda: manifest)


def make_row(model: type, number: int) -> object:
    """One more row of any administered model."""
    name = f"row-{number}"
    if model is Task:
        Feature.objects.filter(key="greeter").exists() or make_feature(published=True)
        return create_task(make_user(name), feature="greeter", given={"name": "x"})
    if model in (Server, Tool):
        server = Server.objects.create(key=name, name=name, catalogue_id="image-tools")
        tool = Tool.objects.create(server=server, name="t", sha256="a", seen_sha256="b")
        return server if model is Server else tool
    makers: dict[type, Callable[[], object]] = {
        Feature: lambda: make_feature(name, published=True),
        MenuGroup: lambda: MenuGroup.objects.create(key=name, title=name),
        Pipeline: lambda: Pipeline.objects.create(key=name, name=name, graph=make_graph()),
        Prompt: lambda: make_prompt(name),
        PromptCase: lambda: make_prompt(name).cases.create(name=name),
        PromptVersion: lambda: save_version(make_prompt(name).key, by=None),
        CaseRun: lambda: make_prompt(name).case_runs.create(reference=name, passed=True, share=100, p95_ms=1),
        Endpoint: lambda: make_model(name),
        User: lambda: make_user(name),
        Group: lambda: Group.objects.create(name=name),
        Account: lambda: account_of(make_user(name)),
        ApiKey: lambda: create_key(owner := make_user(name), by=owner, name=name, scopes=scopes(), budget=5).row,
        UserBudget: lambda: UserBudget.objects.create(user=make_user(name), credits=5),
    }
    return makers[model]()


def address(model: type, page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)  # type: ignore[attr-defined]


def expected(model: type, role: str) -> dict[str, int]:
    """The status of list, change and add."""
    if role == "member":
        return {"changelist": 302, "change": 302, "add": 302}
    if model is Group:  # roles follow the policy table; only a superuser sees them
        return {"changelist": 403, "change": 403, "add": 403}
    adds = (model in PARTS and role in ("editor", "admin")) or (model in PEOPLE and role == "admin")
    return {"changelist": 200, "change": 200, "add": 200 if adds else 403}


ADMINISTERED = sorted(admin.site._registry, key=lambda model: model.__name__)


def test_registry__administered_models__are_all_tested():
    assert set(ADMINISTERED) == PARTS | PEOPLE | READ_ONLY | DISCOVERED | {Group}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("model", ADMINISTERED)
def test_pages__role__sees_what_it_may(client, db, model, role):
    row = make_row(model, 1)
    client.force_login(make_user("pat", role=role))

    told = {
        "changelist": client.get(address(model, "changelist")).status_code,
        "change": client.get(address(model, "change", row.pk)).status_code,  # type: ignore[attr-defined]
        "add": client.get(address(model, "add")).status_code,
    }

    assert told == expected(model, role)


@pytest.mark.parametrize("model", ADMINISTERED)
def test_pages__superuser__sees_every_one(client, db, model):
    row = make_row(model, 1)
    client.force_login(User.objects.create_superuser("root", password="x"))

    pages = [address(model, "changelist"), address(model, "change", row.pk)]  # type: ignore[attr-defined]
    pages += [f"{pages[0]}?q=row"] if admin.site._registry[model].search_fields else []
    pages += [] if model in READ_ONLY | DISCOVERED else [address(model, "add")]
    assert {client.get(page).status_code for page in pages} == {200}


@pytest.mark.parametrize("model", ADMINISTERED)
def test_list__twenty_rows__costs_the_queries_of_one(client, db, model):
    client.force_login(User.objects.create_superuser("root", password="x"))

    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(address(model, "changelist")).status_code == 200
        return [query["sql"][:80] for query in seen.captured_queries]

    make_row(model, 0)
    queries()
    one = queries()
    for number in range(1, 20):
        make_row(model, number)

    assert len(queries()) == len(one)


@pytest.mark.parametrize("model", sorted(READ_ONLY, key=lambda m: m.__name__))
@pytest.mark.parametrize("page", ["change", "delete"])
def test_read_only__post__changes_nothing(client, db, model, page):
    row = make_row(model, 1)
    before = list(model.objects.values_list())
    client.force_login(User.objects.create_superuser("root", password="x"))

    answer = client.post(address(model, page, row.pk), {"balance": 10**9, "status": "succeeded", "post": "yes"})

    assert (answer.status_code, list(model.objects.values_list())) == (403, before)


def test_ledger__account_page__shows_its_entries(client, operator):
    account = account_of(operator)
    grant(account, 7, source="order:1", note="a gift")
    client.force_login(operator)

    assert "a gift" in client.get(address(Account, "change", account.pk)).content.decode()


def test_users__role_admin__cannot_make_or_take_over_a_superuser(client, operator):
    root = User.objects.create_superuser("root", password="root-pass-1")
    client.force_login(operator)
    form = {"username": "olga", "is_active": "on", "is_staff": "on", "is_superuser": "on"}

    own = client.post(address(User, "change", operator.pk), form)
    others = client.post(address(User, "change", root.pk), {**form, "username": "taken"})
    password = {"password1": "taken-pass-123", "password2": "taken-pass-123"}
    reset = client.post(reverse("admin:auth_user_password_change", args=[root.pk]), password)
    removed = client.post(address(User, "delete", root.pk), {"post": "yes"})

    assert (own.status_code, others.status_code, reset.status_code, removed.status_code) == (302, 403, 403, 403)
    operator.refresh_from_db()
    root.refresh_from_db()
    assert (operator.is_superuser, root.username, root.check_password("root-pass-1")) == (False, "root", True)


@pytest.mark.parametrize("graph", [[], "x", 5, {}, {"nodes": 3}, {"nodes": ["x"]}, {"nodes": [{}]}, {"nodes": None}])
def test_pages__broken_graph__still_open(client, operator, graph):
    feature = make_feature()
    Pipeline.objects.update(graph=graph)
    client.force_login(operator)

    pages = [
        address(Pipeline, "changelist"),
        address(Pipeline, "change", feature.pipeline_id),
        address(Feature, "change", feature.pk),
        address(Feature, "release", feature.pk),
    ]
    assert [client.get(page).status_code for page in pages] == [200] * 4


@pytest.mark.parametrize(
    "fields", [{"form_schema": []}, {"form_schema": "x"}, {"ui_schema": 5}, {"output_schema": ["x"]}, {"cost": None}]
)
def test_pages__broken_draft__still_open(client, operator, fields):
    feature = make_feature(**fields)
    client.force_login(operator)

    assert client.get(address(Feature, "change", feature.pk)).status_code == 200
    assert client.get(address(Feature, "release", feature.pk)).status_code == 200
    assert client.get(address(Feature, "access", feature.pk)).status_code == 200


def save(client, feature: Feature, **changes: object):  # type: ignore[no-untyped-def]
    fields = ("title", "title_zh", "description", "description_zh", "icon", "order", "cost")
    form = {
        **{field: getattr(feature, field) for field in fields},
        "menu": feature.menu_id,
        "pipeline": feature.pipeline_id,
        "enabled": "on",
        "form_schema": '{"type": "object"}',
        "ui_schema": "{}",
        "output_schema": '{"type": "object"}',
        "output_ui": "{}",
        "seen_revision": feature.revision,
    }
    return client.post(address(Feature, "change", feature.pk), {**form, **changes})


def test_save__editor__changes_the_draft_and_its_history(client, editor):
    feature = make_feature(published=True)
    client.force_login(editor)

    assert save(client, feature, title="Hello").status_code == 302

    feature.refresh_from_db()
    assert (feature.title, feature.revision, feature.history.first().history_user) == ("Hello", 2, editor)
    assert Snapshot.objects.filter(scope="feature").count() == 1
    assert client.get(reverse("admin:features_feature_history", args=[feature.pk])).status_code == 200


@pytest.mark.parametrize("seen", [0, 2, "", "x"])
def test_save__somebody_else_saved_meanwhile__is_refused(client, editor, seen):
    feature = make_feature()
    client.force_login(editor)

    answer = save(client, feature, title="Hello", seen_revision=seen)

    assert (answer.status_code, Feature.objects.get().title) == (200, "Greeter")


def test_save__viewer__is_forbidden(client, viewer):
    feature = make_feature()
    client.force_login(viewer)

    assert (save(client, feature, title="Hello").status_code, Feature.objects.get().title) == (403, "Greeter")


@pytest.mark.parametrize("role", ["viewer", "editor", "admin"])
def test_dashboard__staff__sees_features_and_releases(client, db, role):
    make_feature(title="Greeter one", published=True)
    client.force_login(make_user("pat", role=role))

    answer = client.get("/admin/")

    assert (answer.status_code, "Greeter one" in answer.content.decode()) == (200, True)


def test_offers__saved_in_the_admin__are_live_at_once(client, operator):
    endpoint = make_model()
    offer = Offer.objects.get()
    client.force_login(operator)
    form = {
        "key": "mock",
        "name": "Mock",
        "handler_key": "mock",
        "base_url": "",
        "priority": 1,
        "timeout_seconds": 5,
        "max_retries": 0,
        "enabled": "on",
        "offers-TOTAL_FORMS": 1,
        "offers-INITIAL_FORMS": 1,
        "offers-0-id": offer.pk,
        "offers-0-endpoint": endpoint.pk,
        "offers-0-model": "renamed",
        "offers-0-capabilities": ["chat"],
        "offers-0-context_window": 10,
        "offers-0-enabled": "on",
    }

    assert client.post(address(Endpoint, "change", endpoint.pk), form).status_code == 302

    latest = Snapshot.objects.filter(scope="providers").order_by("-version").first()
    assert latest is not None
    assert latest.payload["endpoints"][0]["offers"][0]["model"] == "renamed"
    client.post(address(Endpoint, "delete", endpoint.pk), {"post": "yes"})
    latest = Snapshot.objects.filter(scope="providers").order_by("-version").first()
    assert latest is not None
    assert latest.payload["endpoints"] == []
