"""The prompt's editor in the admin: what the page hands to it, and the token it calls the API with."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.tokens import read_access
from apps.core import assets
from apps.prompts.models import Prompt
from apps.prompts.services import update_prompt
from tests.conftest import make_user
from tests.features.builders import make_prompt

TOKEN = "/admin/prompts/prompt/token/"


@pytest.fixture(autouse=True)
def _front_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "_manifest", lambda: {"src/admin.tsx": {"file": "admin-1.js"}})


@pytest.fixture
def prompt(db: None) -> Prompt:
    return make_prompt()


def source_in(page: str) -> Any:
    """What the page hands to the editor."""
    start = page.partition('<script id="prompt-editor-data" type="application/json">')[2]
    return json.loads(start.partition("</script>")[0])


def test_page__editor__has_plain_fields_and_the_island(client: Client, editor: User, prompt: Prompt) -> None:
    client.force_login(editor)

    page = client.get(reverse("admin:prompts_prompt_change", args=[prompt.pk])).content.decode()

    named = {"key": "greeting", "model": "", "tokenUrl": TOKEN, "canTry": True}
    assert source_in(page) == named | {"readOnly": False, "values": {}, "errors": {}}
    for field in ("system", "body", "variables"):
        area = page.partition(f'<textarea name="{field}"')[2].partition(">")[0]
        assert area
        assert "data-editor" not in area
    assert '<div data-paiban="prompt-editor" data-source="prompt-editor-data" hidden>' in page
    assert page.count("pe-plain") == 2
    assert 'src="/static/build/admin-1.js"' in page


def test_page__new_prompt__has_the_island_without_a_key(client: Client, editor: User) -> None:
    client.force_login(editor)

    page = client.get(reverse("admin:prompts_prompt_add")).content.decode()

    assert (source_in(page)["key"], source_in(page)["readOnly"]) == (None, False)


def test_page__viewer__is_given_the_texts_to_look_at(client: Client, viewer: User, prompt: Prompt) -> None:
    client.force_login(viewer)

    source = source_in(client.get(reverse("admin:prompts_prompt_change", args=[prompt.pk])).content.decode())

    given = {"system": prompt.system, "body": prompt.body, "variables": prompt.variables}
    assert (source["readOnly"], source["values"]) == (True, given)


def test_page__text_of_an_operator__cannot_end_the_script(client: Client, viewer: User, prompt: Prompt) -> None:
    Prompt.objects.update(body="</script><script>alert(1)</script>")
    client.force_login(viewer)

    page = client.get(reverse("admin:prompts_prompt_change", args=[prompt.pk])).content.decode()

    assert "<script>alert" not in page
    assert source_in(page)["values"]["body"] == "</script><script>alert(1)</script>"


def test_page__refused_save__hands_over_the_reasons(client: Client, editor: User, prompt: Prompt) -> None:
    client.force_login(editor)
    form = {"key": "greeting", "name": "Greeting", "system": "", "body": "", "variables": "[half"}

    page = client.post(reverse("admin:prompts_prompt_change", args=[prompt.pk]), form).content.decode()

    assert source_in(page)["errors"] == {"body": ["This field is required."], "variables": ["Enter a valid JSON."]}
    assert Prompt.objects.get().body == prompt.body


def save(client: Client, prompt: Prompt, **fields: Any) -> Any:
    """The answer to the page's form, filled with what the prompt holds and `fields`."""
    form = {"key": prompt.key, "name": prompt.name, "system": prompt.system, "body": prompt.body}
    form |= {"variables": json.dumps(prompt.variables), "model_defaults": "{}", "gate_share": 100}
    return client.post(reverse("admin:prompts_prompt_change", args=[prompt.pk]), form | fields)


def test_save__nobody_else_saved__is_the_next_revision(client: Client, editor: User, prompt: Prompt) -> None:
    client.force_login(editor)

    answer = save(client, prompt, body="Greet {{ name }} well.", seen_revision=prompt.revision)

    saved = Prompt.objects.get()
    assert (answer.status_code, saved.body, saved.revision) == (302, "Greet {{ name }} well.", prompt.revision + 1)


def test_save__somebody_else_saved_meanwhile__changes_nothing_and_keeps_what_was_typed(
    client: Client, editor: User, prompt: Prompt
) -> None:
    client.force_login(editor)
    update_prompt(prompt.key, {"body": "Theirs."}, expected_revision=prompt.revision, by=editor)

    answer = save(client, prompt, body="Mine, {{ name }}.", seen_revision=prompt.revision)

    assert "Somebody changed this in the meantime" in answer.content.decode()
    assert "Mine, {{ name }}." in answer.content.decode()
    assert Prompt.objects.get().body == "Theirs."


def test_revert__old_version_of_the_history__is_the_draft_again(client: Client, editor: User, prompt: Prompt) -> None:
    client.force_login(editor)
    old = prompt.history.latest().pk
    update_prompt(prompt.key, {"body": "Newer."}, expected_revision=prompt.revision, by=editor)
    address = reverse("admin:prompts_prompt_simple_history", args=[prompt.pk, old])
    form = {"key": "greeting", "name": "Greeting", "body": prompt.body, "variables": "[]", "model_defaults": "{}"}

    answer = client.post(address, form | {"gate_share": 100, "seen_revision": 2})

    saved = Prompt.objects.get()
    assert (answer.status_code, saved.body, saved.revision) == (302, prompt.body, 3)


def test_page__old_version__is_shown_in_plain_fields(client: Client, editor: User, prompt: Prompt) -> None:
    client.force_login(editor)
    version = prompt.history.latest().pk

    page = client.get(reverse("admin:prompts_prompt_simple_history", args=[prompt.pk, version])).content.decode()

    assert '<textarea name="body"' in page
    assert "prompt-editor" not in page


@pytest.mark.parametrize("role", ["viewer", "editor", "admin"])
def test_token__staff_with_both_rights__is_of_that_person(client: Client, db: None, role: str, settings: Any) -> None:
    user = make_user("pat", role=role)
    client.force_login(user)

    answer = client.post(TOKEN)

    claims = read_access(answer.json()["access"])
    assert answer.status_code == 200
    assert (claims.user_id, claims.roles, claims.epoch) == (user.pk, user.role_names, user.token_epoch)
    assert answer.json()["expiresIn"] == settings.ACCESS_TOKEN_SECONDS
    assert "no-store" in answer["Cache-Control"]


def test_token__staff_without_the_right_to_read_models__is_refused(client: Client, db: None) -> None:
    user = make_user("pat")
    user.is_staff = True
    user.save()
    user.user_permissions.add(Permission.objects.get(codename="view_prompt"))
    client.force_login(user)

    answer = client.post(TOKEN)

    assert (answer.status_code, "access" in answer.json()) == (403, False)


def test_token__member__is_sent_to_sign_in(client: Client, member: User) -> None:
    client.force_login(member)

    answer = client.post(TOKEN)

    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/admin/login/")


def test_token__read_with_get__is_refused(client: Client, editor: User) -> None:
    client.force_login(editor)

    answer = client.get(TOKEN)

    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_token__without_the_pages_csrf_token__is_refused(editor: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)

    answer = client.post(TOKEN)

    assert answer.status_code == 403
    assert b"access" not in answer.content
