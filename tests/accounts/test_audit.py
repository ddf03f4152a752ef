"""Who changed whose rights: a row for each change, none for a sign-in, no personal data; old versions stay old."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from apps.accounts.models import User
from apps.core import assets
from apps.prompts.models import Prompt
from apps.providers.models import Endpoint
from tests.conftest import make_user
from tests.features.builders import make_model, make_prompt


@pytest.fixture(autouse=True)
def _front_end(monkeypatch):
    manifest = {entry: {"file": "x-1.js"} for entry in ("src/boot.ts", "src/admin.tsx", "src/storefront.tsx")}
    monkeypatch.setattr(assets, "_manifest", lambda: manifest)


def roles_over_time(user: User) -> list[list[str]]:
    """The names of the user's groups in each history row, oldest first."""
    return [
        sorted(row.groups.values_list("group__name", flat=True))
        for row in User.history.filter(id=user.pk).order_by("history_id")
    ]


def test_roles__changed_in_the_admin__leave_who_and_what(client, operator, member):
    client.force_login(operator)
    form = {"username": "mia", "is_active": "on", "is_staff": "on", "groups": [Group.objects.get(name="editor").pk]}

    answer = client.post(reverse("admin:accounts_user_change", args=[member.pk]), form)

    assert answer.status_code == 302
    latest = User.history.filter(id=member.pk).latest()
    assert (latest.history_user, latest.is_staff) == (operator, True)
    assert roles_over_time(member)[-1] == ["editor"]
    page = client.get(reverse("admin:accounts_user_history", args=[member.pk])).content.decode()
    assert ("[member]" in page, "[editor]" in page) == (True, True)


def test_roles__changed_from_either_side__leave_a_row(member):
    beta = Group.objects.create(name="beta")

    member.groups.add(beta)
    beta.user_set.remove(member)
    beta.user_set.add(member)
    beta.user_set.clear()

    assert roles_over_time(member)[-5:] == [["member"], ["beta", "member"], ["member"], ["beta", "member"], ["member"]]


def test_sign_in__password_renewed__leaves_no_row(client, member):
    before = User.history.count()

    client.force_login(member)
    member.save(update_fields=["password"])

    member.refresh_from_db()
    assert (User.history.count(), member.last_login is not None) == (before, True)


def test_history__row__holds_no_personal_data(db):
    make_user("ann", email="ann@example.com", phone="5551", first_name="Ann", last_name="Lee")

    fields = {field.name for field in User.history.model._meta.get_fields()}
    assert not fields & {"email", "phone", "first_name", "last_name", "password", "last_login"}
    assert not [word for word in ("ann@example.com", "5551", "Lee") if word in str(list(User.history.values()))]


def test_group__permissions_changed__leave_a_row(db):
    group = Group.objects.create(name="beta")
    group.permissions.add(Permission.objects.get(codename="publish_feature"))

    rows = Group.history.filter(id=group.pk).order_by("history_id")  # type: ignore[attr-defined]
    held = [sorted(row.permissions.values_list("permission__codename", flat=True)) for row in rows]
    assert held == [[], ["publish_feature"]]


def test_history__person_deletes_the_own_account__keeps_the_rows(client, db):
    root = User.objects.create_superuser("root", password="root-pass-1")
    User.objects.create_superuser("other", password="root-pass-1")
    client.force_login(root)

    answer = client.post(reverse("admin:accounts_user_delete", args=[root.pk]), {"post": "yes"})

    assert (answer.status_code, User.objects.filter(username="root").exists()) == (302, False)
    assert list(User.history.filter(username="root").values_list("history_type", flat=True)) == ["-", "+"]


# --- history pages keep to the rights ---------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "status", "body"), [("viewer", 403, "New"), ("editor", 302, "Old"), ("member", 302, "New")]
)
def test_old_version__posted__is_written_by_those_who_may_change(client, db, role, status, body):
    prompt = make_prompt(body="Old")
    prompt.body = "New"
    prompt.save()
    old = prompt.history.earliest()  # type: ignore[attr-defined]
    client.force_login(make_user("pat", role=role))
    address = reverse("admin:prompts_prompt_simple_history", args=[prompt.pk, old.pk])
    form = {"key": prompt.key, "name": prompt.name, "body": "Old", "variables": '[{"name": "name"}]'}

    answer = client.post(address, form)

    assert (answer.status_code, Prompt.objects.get().body) == (status, body)


def test_old_version__of_an_endpoint__is_not_written_by_a_reader(client, viewer):
    endpoint = make_model(base_url="https://old.example")
    endpoint.base_url = "https://new.example"
    endpoint.save()
    client.force_login(viewer)
    old = endpoint.history.earliest()  # type: ignore[attr-defined]

    answer = client.post(reverse("admin:providers_endpoint_simple_history", args=[endpoint.pk, old.pk]), {"x": "y"})

    assert (answer.status_code, Endpoint.objects.get().base_url) == (403, "https://new.example")


def test_old_version__of_a_person__is_for_reading_even_to_a_superuser(client, member):
    root = User.objects.create_superuser("root", password="root-pass-1")
    old = User.history.filter(id=member.pk).earliest()
    client.force_login(root)
    address = reverse("admin:accounts_user_simple_history", args=[member.pk, old.pk])

    assert (client.get(address).status_code, client.post(address, {"username": "x"}).status_code) == (200, 403)
    assert User.objects.get(pk=member.pk).username == "mia"


@pytest.mark.parametrize(("role", "status"), [("viewer", 200), ("member", 302)])
def test_history__of_a_deleted_row__opens_for_readers_and_brings_nothing_back(client, db, role, status):
    prompt = make_prompt()
    row = prompt.history.latest()  # type: ignore[attr-defined]
    pk = prompt.pk
    prompt.delete()
    client.force_login(make_user("pat", role=role))

    page = client.get(reverse("admin:prompts_prompt_history", args=[pk]))
    posted = client.post(reverse("admin:prompts_prompt_simple_history", args=[pk, row.pk]), {"x": "y"})

    assert (page.status_code, posted.status_code, Prompt.objects.count()) == (status, 403 if status == 200 else 302, 0)


@pytest.mark.parametrize("pk", ["0", "x", "²", "9" * 30])
def test_history__row_that_never_was__is_not_found(client, viewer, pk):
    client.force_login(viewer)

    assert client.get(f"/admin/prompts/prompt/{pk}/history/").status_code == 404
