"""The prompt's page in the admin."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.core import assets
from apps.prompts.models import Prompt
from tests.features.builders import make_prompt
from tests.prompts.builders import make_greeting


@pytest.fixture(autouse=True)
def _front_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "_manifest", lambda: {"src/admin.tsx": {"file": "admin-1.js"}})


@pytest.fixture
def prompt(db: None) -> Prompt:
    return make_prompt()


def test_page__viewer__reads_and_cannot_save(client: Client, viewer: User, prompt: Prompt) -> None:
    client.force_login(viewer)
    address = reverse("admin:prompts_prompt_change", args=[prompt.pk])

    page = client.get(address)
    saved = client.post(address, {"key": "greeting", "name": "Other", "body": "x", "variables": "[]"})

    prompt.refresh_from_db()
    assert '<span class="pb-lines">Greet {{ name }}.</span>' in page.content.decode()
    assert "data-editor" not in page.content.decode()
    assert saved.status_code == 403
    assert prompt.name == "Greeting"


def test_page__member__is_sent_away(client: Client, member: User, prompt: Prompt) -> None:
    client.force_login(member)

    answer = client.get(reverse("admin:prompts_prompt_change", args=[prompt.pk]))

    assert answer.status_code == 302


def test_page__saved__is_the_next_revision_and_an_empty_share_is_all(
    client: Client, editor: User, prompt: Prompt
) -> None:
    client.force_login(editor)
    address = reverse("admin:prompts_prompt_change", args=[prompt.pk])
    given = {"key": "greeting", "name": "Other", "body": "x", "variables": "[]", "model_defaults": "{}"}

    saved = client.post(address, {**given, "gate_share": ""})

    prompt.refresh_from_db()
    assert (saved.status_code, prompt.name, prompt.revision, prompt.gate_share) == (302, "Other", 2, 100)


def test_page__broken_template__is_told_with_its_place_and_nothing_saved(
    client: Client, editor: User, prompt: Prompt
) -> None:
    client.force_login(editor)
    address = reverse("admin:prompts_prompt_change", args=[prompt.pk])
    given = {"key": "greeting", "name": "Other", "body": "{{ a | nope }}", "variables": '[{"name": 1}]'}

    page = client.post(address, {**given, "model_defaults": "{}"})

    prompt.refresh_from_db()
    assert (page.status_code, prompt.name, prompt.revision) == (200, "Greeting", 1)
    assert "line 1, column 8" in page.content.decode()
    assert "Variables are a list of objects" in page.content.decode()


def test_list__50_prompts__cost_no_more_queries_than_5(client, viewer):
    client.force_login(viewer)

    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get("/admin/prompts/prompt/").status_code == 200
        return len(seen)

    for number in range(5):
        make_greeting(f"few{number}")
    asked()  # what the process remembers afterwards
    few = asked()
    for number in range(45):
        make_greeting(f"more{number}")

    assert asked() == few
