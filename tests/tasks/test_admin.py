"""A task's page in the admin tells what happened, in words."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.core import admin_paging, aio, assets
from apps.mcp.errors import ToolFailed
from apps.tasks import services
from apps.tasks.models import Status, Task
from apps.tasks.runner import run_task
from apps.tasks.trials.replay import Again, replay
from apps.tasks.trials.services import start_trial
from tests.tasks.builders import make_feature, make_task
from tests.tasks.trials.builders import make_pipeline, wish


@pytest.fixture(autouse=True)
def _front_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "_manifest", lambda: {"src/admin.tsx": {"file": "admin-1.js"}})


def page_of(client: Client, task: Task) -> str:
    return client.get(reverse("admin:tasks_task_change", args=[task.pk])).content.decode()


@pytest.mark.django_db(transaction=True)
def test_page__finished_task__shows_steps_times_and_values(client: Client, viewer: User, member: User) -> None:
    make_feature()
    task = make_task(member, text="hello there")
    assert aio.run(run_task(str(task.pk)), timeout=20)
    client.force_login(viewer)

    page = page_of(client, task)

    assert page.count('class="pb-step pb-step--succeeded"') == 2
    assert "<pre>hello there</pre>" in page
    assert " ms</span>" in page
    assert '<span class="pb-tag pb-tag--succeeded">done</span>' in page
    assert 'name="_save"' not in page


def test_page__failed_task__says_why(client: Client, viewer: User, member: User) -> None:
    make_feature()
    task = services.claim_task(str(make_task(member).pk), owner="w")
    assert task is not None
    services.finish_task(task, to=Status.FAILED, error=ToolFailed(what="<b>No product</b> was found."))
    client.force_login(viewer)

    page = page_of(client, task)

    assert "<b>&lt;b&gt;No product&lt;/b&gt; was found.</b>" in page
    assert "MCP_2001 · E_TOOL_FAILED" in page
    assert page.count('class="pb-step pb-step--pending"') == 2


def test_page__chinese__has_no_english_labels(client: Client, viewer: User, member: User) -> None:
    make_feature()
    task = make_task(member)
    client.force_login(viewer)
    client.post(reverse("set_language"), {"language": "zh-hans", "next": "/admin/"})

    page = page_of(client, task)

    for words in ("步骤", "未运行到", "排队中", "技术信息", "防护令牌", "事件日志"):
        assert words in page
    for words in ("Fencing token", "Lease owner", "not reached"):
        assert words not in page


def test_list__member_without_rights__is_sent_away(client: Client, member: User) -> None:
    client.force_login(member)

    assert client.get(reverse("admin:tasks_task_changelist")).status_code == 302


@pytest.fixture
def listed(client: Client, operator: User):
    """The ids that the list shows, with the query string given."""
    client.force_login(operator)

    def ids(**asked: str) -> list[str]:
        answer = client.get(reverse("admin:tasks_task_changelist"), asked)
        assert answer.status_code == 200
        return [str(task.pk) for task in answer.context["cl"].result_list]

    return ids


@pytest.fixture
def runs(member: User, operator: User) -> dict[str, str]:
    """One run of each kind."""
    make_feature()
    make_pipeline()
    live = make_task(member)
    trial = start_trial(operator, "draft", wish())
    again = replay(operator, str(live.pk), Again())
    return {"live": str(live.pk), "trial": str(trial.pk), "replay": str(again.pk)}


def test_list__as_it_opens__shows_runs_that_people_asked_for(listed, runs):
    assert listed() == [runs["live"]]


@pytest.mark.parametrize("kind", ["trial", "replay"])
def test_list__of_another_kind__shows_that_alone(listed, runs, kind):
    assert listed(kind=kind) == [runs[kind]]


def test_list__of_all_kinds__the_newest_first_and_says_which_is_which(client, listed, runs):
    assert listed(kind="all") == [runs["replay"], runs["trial"], runs["live"]]

    page = client.get(reverse("admin:tasks_task_changelist"), {"kind": "all"}).content.decode()
    assert "trial run" in page
    assert ">draft<" in page


def test_list__a_trials_id__is_found_without_a_filter(listed, runs):
    assert listed(q=runs["trial"]) == [runs["trial"]]
    assert listed(q=runs["trial"], kind="replay") == []


def test_list__of_a_feature__shows_its_runs(listed, runs):
    assert listed(feature="echo") == [runs["live"]]
    assert listed(feature="other") == []


def test_list__however_many__counts_no_further_than_it_must(listed, runs, monkeypatch):
    monkeypatch.setattr(admin_paging, "MOST", 2)

    assert admin_paging.CappedPaginator(Task.objects.order_by("pk"), 100).count == 2


def test_list__many__takes_as_many_queries_as_one(client, listed, runs, member):
    with CaptureQueriesContext(connection) as one:
        listed()
    for _ in range(5):
        make_task(member)
    with CaptureQueriesContext(connection) as many:
        assert len(listed()) == 6

    assert len(many) == len(one)
    assert not [query for query in many if "DISTINCT" in query["sql"]]
