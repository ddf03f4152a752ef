"""A task's page in the admin tells what happened, in words."""

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.core import aio, assets
from apps.mcp.errors import ToolFailed
from apps.tasks import services
from apps.tasks.models import Status, Task
from apps.tasks.runner import run_task
from tests.tasks.builders import make_feature, make_task


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
