"""Every address of the admin, the API and the hot lane, for every role: who is let in is what the policy file says."""

import re
from dataclasses import replace
from datetime import timedelta
from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import models, transaction
from django.test import Client
from django.utils import timezone
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from apps.accounts.keys.scopes import scopes
from apps.accounts.keys.services import create_key
from apps.accounts.models import ApiKey, User
from apps.accounts.tokens import sign_access
from apps.core import assets, health
from apps.core.lane import app as lane
from apps.core.lane.app import ANSWERED, HotRoute
from apps.core.permissions import DenyAll, HasPermission
from apps.core.policy import policy
from apps.core.publishing.models import Snapshot
from apps.core.publishing.services import plan_release
from apps.features.models import Feature
from apps.mcp.models import Server, Tool
from apps.pipelines.models import Pipeline, PipelineCase, PipelinePin
from apps.prompts.models import CaseRun, Prompt, PromptCase, PromptVersion
from apps.prompts.services import move_label
from apps.providers.models import Endpoint
from apps.quotas.models import UserBudget
from apps.quotas.services import account_of
from apps.tasks.models import Task
from apps.tasks.services import create_task
from apps.tasks.trials.frozen import draft_payload, freeze
from apps.tasks.trials.services import queue
from tests.accounts import walk
from tests.accounts.walk import Call
from tests.conftest import Api, make_user
from tests.features.builders import make_feature


@pytest.fixture(autouse=True)
def _front_end(monkeypatch):
    manifest = {entry: {"file": "x-1.js"} for entry in ("src/boot.ts", "src/admin.tsx", "src/storefront.tsx")}
    monkeypatch.setattr(assets, "_manifest", lambda: manifest)


@pytest.fixture
def rows(db: None) -> dict[type[models.Model], models.Model]:
    """One row of everything that the admin shows, with a version in its history where it keeps one."""
    feature = make_feature("greeter", published=True)
    other = make_user("other")
    server = Server.objects.create(key="tools", name="Tools", catalogue_id="image-tools")
    tool = Tool.objects.create(server=server, name="t", sha256="a", seen_sha256="a")
    move_label("greeting", "production", to=1, by=None)
    return {
        Feature: feature,
        type(feature.menu): feature.menu,
        Pipeline: feature.pipeline,
        PipelineCase: feature.pipeline.cases.create(name="case"),
        PipelinePin: feature.pipeline.pins.create(node="say", name="pin", sha256="a"),
        Prompt: Prompt.objects.get(),
        PromptVersion: PromptVersion.objects.get(),
        PromptCase: Prompt.objects.get().cases.create(name="case"),
        CaseRun: Prompt.objects.get().case_runs.create(reference="greeting", passed=True, share=100, p95_ms=1),
        Endpoint: Endpoint.objects.get(),
        Server: server,
        Tool: tool,
        User: other,
        Group: Group.objects.create(name="guests"),
        type(account_of(other)): account_of(other),
        ApiKey: create_key(other, by=other, name="k", scopes=scopes()).row,
        UserBudget: UserBudget.objects.create(user=other, credits=5),
        Task: create_task(other, feature="greeter", given={"name": "x"}),
    }


class Builder:
    """Fills in the arguments of addresses. A new kind of argument fails until it has its line here."""

    def __init__(self, rows: dict[Any, Any], caller: User | None) -> None:
        self.rows, self.caller = rows, caller
        self.task = create_task(caller, feature="greeter", given={"name": "y"}) if caller else rows[Task]
        self.trial = self.trial_of(caller or rows[User])
        self.key = create_key(caller, by=caller, name="k", scopes=scopes()).row if caller else rows[ApiKey]

    def __call__(self, route: str, argument: str) -> str:
        makers = {
            "pk": self.row, "object_id": self.row, "object_pk": self.row, "id": self.row,
            "version_id": lambda route: str(self.rows[self.model(route)].history.latest().pk),
            "user_id": lambda _route: str(self.rows[User].pk),
            "group_id": lambda _route: str(self.rows[Group].pk),
            "name": lambda _route: "mock-1",
            "endpoint": lambda _route: self.rows[Endpoint].key,
            "key": self.key_of,
            "tool": lambda _route: "t",
            "label": lambda _route: "production",
            "run_id": lambda _route: str(self.rows[CaseRun].pk),
            "case_id": lambda route: str(self.rows[PipelineCase if "/pipelines/" in route else PromptCase].pk),
            "pin_id": lambda _route: str(self.rows[PipelinePin].pk),
            "entry": lambda _route: str(self.rows[Pipeline].history.latest().pk),
            "kind": lambda route: "pipeline" if "/usage/" not in route else "prompt",
            "task_id": lambda _route: str(self.task.pk),
            "trial": lambda _route: str(self.trial.pk),
            "pipeline": lambda _route: self.rows[Pipeline].key,
            "key_id": lambda _route: str(self.key.pk),
            "token": lambda _route: "a-token",
            "app_label": lambda _route: "features",
            "content_type_id": lambda _route: "1",
            "url": lambda _route: "nowhere",
            "version": lambda _route: "1",
            "path": self.question,
            "plan": self.plan, "plan_id": self.plan,
            "verb": lambda route: "stop" if "rollout" in route else "cancel",
        }  # fmt: skip
        if argument not in makers:
            raise walk.NoBuilder(f"{route}: say in Builder what stands for <{argument}>")
        return makers[argument](route)

    def trial_of(self, owner: User) -> Task:
        """A trial of the owner's, whether or not they could start one."""
        frozen = freeze(draft_payload(self.rows[Pipeline], self.rows[Pipeline].graph, None), {})
        source = {"frozen": frozen, "of": str(self.task.pk)}
        return queue(Task(kind="trial", user=owner, version=0, source=source, event_seq=1))

    def key_of(self, route: str) -> str:
        """The key of what the route is about."""
        if "/templates/" in route:
            return "product-copy"
        if "/mcp/" in route:
            return "tools"
        if "/providers/" in route:
            return "mock"
        return "greeting" if "/usage/" in route or "/prompts/" in route else "greeter"

    def question(self, _route: str) -> str:
        """A question that the caller's task asks."""
        due = timezone.now() + timedelta(hours=1)
        self.task.questions.get_or_create(path="ask", defaults={"node": "ask", "deadline_at": due})
        return "ask"

    def plan(self, _route: str) -> str:
        """A withdrawal that the caller has proposed: who may propose may cancel it."""
        plan = plan_release("feature", "greeter", by=self.caller, action="withdraw", ask=True)
        return str(plan.pk)

    def model(self, route: str) -> Any:
        found = walk.admin_of(route)
        if found is None or found.model not in self.rows:
            raise walk.NoBuilder(f"{route}: there is no row for it in rows()")
        return found.model

    def row(self, route: str) -> str:
        if "/promptcase/of/" in route:  # all cases of one prompt
            return str(self.rows[Prompt].pk)
        if route.startswith("admin/r/"):  # "view on site", of any row
            return "1"
        return str(self.rows[self.model(route)].pk)


def person(name: str) -> User | None:
    if name == "anonymous":
        return None
    if name == "superuser":
        return User.objects.create_superuser("root", password="root-pass-1")
    return make_user("pat", role=name)


def contents() -> dict[str, list[Any]]:
    """Everything that a refused call must leave as it is."""
    tables = [*admin.site._registry, Snapshot, Group.permissions.through]
    return {table._meta.label: sorted(table._default_manager.values_list(), key=str) for table in tables}


class Walker:
    """Makes one call after the other as one person, each in a transaction that is rolled back."""

    def __init__(self, user: User | None) -> None:
        self.client, self.api = Client(), Api(user)
        self.headers = {"Authorization": f"Bearer {sign_access(user)}"} if user else {}
        if user:
            self.client.force_login(user)
        self.signed_in = {name: morsel.value for name, morsel in self.client.cookies.items()}

    def make(self, call: Call) -> tuple[int, str]:
        """The status, and where a redirect leads or which code a refusal has."""
        if call.lane == "hot":
            return async_to_sync(self._hot)(call), ""
        self.client.cookies = SimpleCookie(self.signed_in)  # one of the calls signs out
        with transaction.atomic():
            if call.lane == "api":
                answer = self.api.request(call.method, call.path, json=call.body)
                told = answer.status_code, code_of(answer) or answer.headers.get("location", "")
            else:
                page = self.client.generic("GET", call.path) if call.method == "GET" else self._posted(call)
                told = page.status_code, code_of(page) or page.get("Location", "")
            transaction.set_rollback(True)
        return told

    def _posted(self, call: Call) -> Any:
        return self.client.post(call.path, call.body)

    async def _hot(self, call: Call) -> int:
        """The route's own door before a room with nothing in it: streams would never end."""

        async def inside(request: Request) -> Response:
            return Response(status_code=204)

        doors = [Route(r.path, lane._guarded(replace(r, endpoint=inside)), methods=ANSWERED) for r in lane.routes]
        transport = httpx.ASGITransport(app=Starlette(routes=doors))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return (await client.request(call.method, call.path, headers=self.headers)).status_code


def code_of(answer: Any) -> str:
    """The code of a refusal, which has the one shape wherever it comes from."""
    return str(answer.json()["code"]) if answer.status_code in (401, 403) else ""


def outcome(call: Call, status: int, location: str) -> str:
    """What happened, in the words of the walk."""
    if status == 401 or (status == 302 and location.startswith("/admin/login/")):
        return "sign in"
    if status == 403:
        return "refused" if location == "CORE_2002" else f"refused in another way: {location}"
    return "let in"


def judge(call: Call, name: str, status: int, location: str) -> str | None:
    """What is wrong with the answer, or None."""
    happened = outcome(call, status, location)
    if walk.allowed(call.needs, name):
        gone = status == 404 and not call.label.startswith(("admin/(?P<url>", "admin/r/"))
        wrong = happened != "let in" or gone or status >= 500
    elif call.silent and happened == "let in":
        wrong = False  # that nothing changed is looked at by the walk
    elif status == 405:
        wrong = False
    elif call.lane == "admin":
        wrong = happened != ("sign in" if name in ("anonymous", "member") else "refused")
    else:
        wrong = happened != ("sign in" if name == "anonymous" else "refused")
    return f"{call.method} {call.label} needs {', '.join(call.needs)}: {status} {location}" if wrong else None


@pytest.mark.parametrize("name", walk.PERSONS)
def test_walk__every_address__lets_in_whom_the_policy_names(rows, name, monkeypatch):
    monkeypatch.setattr(health, "STALE_SECONDS", float("inf"))  # nobody confirms the configuration while this walks
    user = person(name)
    walker = Walker(user)
    every = walk.calls(Builder(rows, user), {"key": "greeter", "version": 1, "ask": True})
    before = contents()

    wrong = []
    for call in every:
        status, location = walker.make(call)
        problem = judge(call, name, status, location)
        wrong += [problem] if problem else []
        if call.method != "GET" and not walk.allowed(call.needs, name) and contents() != before:
            wrong.append(f"{call.method} {call.label} was refused and changed something")

    print(f"role walk: {name}: {len(every)} calls on {len({call.label for call in every})} routes")
    assert not wrong, "\n".join(wrong)
    assert len(every) > 150


def test_walk__addresses__are_those_of_all_lanes(rows):
    every = walk.calls(Builder(rows, None), {})

    lanes = {one: len({call.label for call in every if call.lane == one}) for one in ("admin", "api", "hot", "plain")}
    print(f"role walk: {lanes}, {len(every)} calls x {len(walk.PERSONS)} persons")
    assert min(lanes.values()) > 5
    assert lanes["hot"] == len(lane.routes)


def test_walk__expectations__differ_between_roles(rows):
    """Guards the walk itself: a policy that said yes or no to everybody would make it blind."""
    every = walk.calls(Builder(rows, None), {})

    counts = [sum(walk.allowed(call.needs, name) for call in every) for name in walk.PERSONS]

    assert counts == sorted(counts)
    assert len(set(counts)) == len(walk.PERSONS)


def a_view(**attributes: Any) -> Any:
    def view() -> None: ...

    view.__dict__.update(attributes)
    return SimpleNamespace(callback=view, name="features_feature_export")


@pytest.mark.parametrize(
    "find",
    [
        lambda: walk.needs_of_admin("admin/features/feature/<int:pk>/export/", a_view(), "GET"),
        lambda: walk.needs_of_admin("admin/report/", a_view(), "GET"),
        lambda: walk.needs_of_plain("report", a_view()),
        lambda: walk.needs_of_api("api/v1/x", a_view(initkwargs={"permission_classes": [DenyAll]}), "GET"),
        lambda: walk.needs_of_api("api/v1/x", a_view(cls=SimpleNamespace(permission_classes=[])), "GET"),
        lambda: walk.needs_of_hot(HotRoute("/x", None, access="anyone")),  # type: ignore[arg-type]
    ],
)
def test_walk__route_without_a_declaration__fails(find):
    with pytest.raises(walk.Undeclared):
        find()


@pytest.mark.parametrize("route", ["api/v1/things/<slug:thing>", "admin/nothing/here/<path:object_id>/change/"])
def test_walk__argument_without_a_builder__fails(rows, route):
    with pytest.raises(walk.NoBuilder):
        walk.filled(route, Builder(rows, None))


def test_walk__declared_right__is_read_by_method():
    permission = HasPermission.of(read="features:read", write="features:write")
    view = a_view(initkwargs={"permission_classes": [permission]})

    assert walk.needs_of_api("x", view, "GET") == ("features:read",)
    assert walk.needs_of_api("x", view, "PATCH") == ("features:write",)
    assert walk.allowed(("features:write",), "viewer") is False
    assert walk.allowed(("features:write",), "editor") is True
    assert re.fullmatch(r"[a-z]+:[a-z]+", policy().rights()[0])
