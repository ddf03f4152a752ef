"""What the models of a run cost counts against the budgets of whoever asked for it, by whichever door."""

import json
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.keys.scopes import Scopes
from apps.accounts.keys.services import create_key
from apps.accounts.models import ApiKey, User
from apps.accounts.people import forget_people
from apps.core import aio, redis
from apps.providers.budgets import Budget
from apps.providers.budgets.caps import place
from apps.providers.budgets.payers import budgets_of_payer
from apps.providers.gateway import meter as meters
from apps.providers.models import MICRO, Offer
from apps.providers.services import release_catalogue
from apps.providers.usage import UsageRecord
from apps.quotas.models import UserBudget
from apps.quotas.services import account_of, verify_ledger
from apps.tasks.models import StepRun, Task
from apps.tasks.runner import run_task
from apps.tasks.services import create_task
from tests.providers.test_openai_face import make_model
from tests.tasks.builders import make_feature
from tests.tasks.test_feature_models import SPEAKING, ask
from tests.tasks.test_mcp_server import HEADERS, messages
from tests.tasks.working import worker

pytestmark = pytest.mark.django_db(transaction=True)

PRICE = MICRO  # of each of the two answers that a run asks for


@pytest.fixture
def working(monkeypatch):
    with worker(monkeypatch):
        yield


@pytest.fixture(params=["models", "tools", "tasks"])
def ask_for_a_run(request, monkeypatch, api):
    """Asks for a run with a key, by each of the doors, and waits until it has ended."""
    door = {"models": through_models, "tools": through_tools, "tasks": through_tasks}[request.param]

    def work(token: str) -> None:
        with worker(monkeypatch):
            door(api, token)

    return work


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> list[UsageRecord]:
    """The calls to models that were written down."""
    found: list[UsageRecord] = []

    async def record(entry: UsageRecord) -> None:
        found.append(entry)

    monkeypatch.setattr(meters, "record", record)
    return found


@pytest.fixture
def feature() -> None:
    """Asks a model twice, at a credit each; costs five credits itself."""
    make_model("mock", model="mock-chat")
    Offer.objects.update(price_input=0, price_output=0, price_call=PRICE)
    release_catalogue(by=None)
    make_feature(graph=SPEAKING, cost=5)


def make_key(user: User, *, budget: int | None) -> tuple[str, ApiKey]:
    made = create_key(user, by=user, name="shop", scopes=Scopes(), budget=budget)
    return made.token, made.row


def spent(budget: Budget) -> dict[str, str]:
    """What Redis knows of it: spent and set aside, in micro-credits."""
    kept: Any = redis.client().hgetall(redis.key(place(budget).key))
    return {name: kept[name] for name in ("spent", "held")}


def run_for(user: User) -> Task:
    task = create_task(user, feature="echo", given={"text": "hello"})
    assert aio.run(run_task(str(task.pk)), timeout=30)
    return Task.objects.get(pk=task.pk)


def through_models(api, token: str) -> Any:
    return api(None).post("/v1/chat/completions", json=ask(), headers={"Authorization": f"Bearer {token}"})


def through_tools(api, token: str) -> Any:
    params = {"name": "echo", "arguments": {"text": "hello"}}
    body = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params})
    return api(None).post("/mcp", content=body, headers=HEADERS | {"Authorization": f"Bearer {token}"})


def through_tasks(api, token: str) -> Any:
    body = {"feature": "echo", "input": {"text": "hello"}}
    return api(None).post("/api/v1/tasks", json=body, headers={"Authorization": f"Bearer {token}"})


def test_run__with_a_key__counts_against_its_budget(member, feature, records, ask_for_a_run):
    token, key = make_key(member, budget=10)

    ask_for_a_run(token)

    task = Task.objects.get()
    assert (task.status, task.key_id) == ("succeeded", key.pk)
    assert spent(Budget(f"key:{key.pk}", 0, "total")) == {"spent": str(2 * PRICE), "held": "0"}
    assert [(r.user_id, r.key_id, r.feature, r.step, r.cost) for r in records] == [
        (member.pk, key.pk, "echo", f"{task.pk}:think", PRICE),
        (member.pk, key.pk, "echo", f"{task.pk}:say", PRICE),
    ]


def test_run__keys_budget_is_used_up_on_the_way__fails_with_its_error(member, feature, records, ask_for_a_run):
    token, key = make_key(member, budget=1)
    before = account_of(member).balance

    ask_for_a_run(token)

    task = Task.objects.get()
    assert (task.status, task.error["code"]) == ("failed", "QUOTAS_2010")
    assert task.error["details"]["holder"] == "key"
    assert [(step.node, step.status) for step in StepRun.objects.order_by("id")] == [
        ("start", "succeeded"),
        ("think", "succeeded"),
        ("say", "failed"),
    ]
    assert len(records) == 1
    assert spent(Budget(f"key:{key.pk}", 0, "total")) == {"spent": str(PRICE), "held": "0"}
    account = account_of(member)
    account.refresh_from_db()
    assert account.balance == before
    assert verify_ledger() == []


def test_feature_model__budget_is_used_up__is_openais_insufficient_quota(api, member, feature, working):
    token, _key = make_key(member, budget=0)

    answer = through_models(api, token)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["paiban_code"]) == (429, "insufficient_quota", "QUOTAS_2010")
    assert answer.headers["x-should-retry"] == "false"


def test_feature_tool__budget_is_used_up__is_a_result_that_says_so(api, member, feature, working):
    token, _key = make_key(member, budget=0)

    result = messages(through_tools(api, token))[-1]["result"]

    assert result["isError"] is True
    assert "budget" in result["content"][0]["text"]


def test_run__without_a_key__counts_against_the_persons_budget(member, feature, records):
    UserBudget.objects.create(user=member, credits=1, period="day")

    task = run_for(member)

    assert (task.status, task.error["code"], task.error["details"]["holder"]) == ("failed", "QUOTAS_2010", "user")
    assert task.key_id is None
    assert spent(Budget(f"user:{member.pk}", 0, "day")) == {"spent": str(PRICE), "held": "0"}


def test_run__budget_and_a_model_without_a_price__is_not_asked(member, feature, records):
    Offer.objects.update(price_input=None, price_output=None, price_call=None)
    release_catalogue(by=None)
    UserBudget.objects.create(user=member, credits=1, period="day")

    task = run_for(member)

    assert (task.status, task.error["code"], records) == ("failed", "PROVIDERS_2002", [])


def test_run__nobody_has_a_budget__is_written_down_for_the_person(member, feature, records):
    task = run_for(member)

    assert task.status == "succeeded"
    assert {(record.user_id, record.key_id, record.feature) for record in records} == {(member.pk, None, "echo")}
    assert redis.client().keys(redis.key("budget:*")) == []


def test_run__taken_up_again__does_not_pay_for_the_finished_step_twice(member, feature, records):
    UserBudget.objects.create(user=member, credits=1, period="day")
    task = run_for(member)
    UserBudget.objects.update(credits=2)
    forget_people(member.pk)
    rows = Task.objects.filter(pk=task.pk)
    rows.update(status="queued", finished_at=None, error=None)
    task.events.filter(ending=1).update(ending=None)

    assert aio.run(run_task(str(task.pk)), timeout=30)

    assert [record.step.split(":")[1] for record in records] == ["think", "say"]
    assert spent(Budget(f"user:{member.pk}", 0, "day")) == {"spent": str(2 * PRICE), "held": "0"}


def test_budgets_of_payer__key_and_person__has_both_as_they_are_now(member):
    _token, key = make_key(member, budget=3)
    UserBudget.objects.create(user=member, credits=4, period="day")
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now(), budget=2, budget_period="month")

    found = aio.run(budgets_of_payer(member.pk, key.pk))

    assert found == (
        Budget(f"key:{key.pk}", 2 * MICRO, "month"),
        Budget(f"user:{member.pk}", 4 * MICRO, "day"),
    )


def test_budgets_of_payer__key_without_a_budget_or_deleted__leaves_the_persons(member):
    _token, key = make_key(member, budget=None)
    UserBudget.objects.create(user=member, credits=4, period="day")

    for number in (key.pk, 10**9, None):
        assert aio.run(budgets_of_payer(member.pk, number)) == (Budget(f"user:{member.pk}", 4 * MICRO, "day"),)
