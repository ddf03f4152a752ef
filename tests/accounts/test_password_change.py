"""A one-time password opens the form to change it, and nothing else."""

import pytest
from django.urls import reverse

from apps.accounts.models import User
from apps.features.demo.seed import reset_admin_password


@pytest.fixture
def admin(db):
    user = User.objects.create_superuser("admin", password="unused-pass-1")
    user.must_change_password = True
    user.save()
    return user


@pytest.mark.parametrize("address", ["/admin/", "/admin/features/feature/", "/admin/accounts/user/add/"])
def test_visit__duty_to_change__leads_to_the_form(client, admin, address):
    client.force_login(admin)

    answer = client.get(address)

    assert (answer.status_code, answer["Location"]) == (302, "/admin/password_change/")


@pytest.mark.parametrize("address", ["/api/v1/admin/features", "/api/v1/auth/me", "/api/v1/quota"])
def test_call_api__duty_to_change__is_refused(client, admin, address):
    client.force_login(admin)

    answer = client.get(address)

    assert (answer.status_code, answer.json()["code"]) == (403, "ACCOUNTS_2002")


@pytest.mark.parametrize("address", ["/admin/password_change/", "/admin/jsi18n/", "/health", "/"])
def test_visit__what_is_needed_to_change_it__is_open(client, admin, address):
    client.force_login(admin)

    assert client.get(address).status_code == 200


def test_visit__no_duty__is_open(client, operator):
    client.force_login(operator)

    assert client.get("/admin/").status_code == 200


def test_flow__one_time_password__through_the_real_forms(client, admin):
    password = reset_admin_password().admin_password

    signed_in = client.post(reverse("admin:login"), {"username": "admin", "password": password, "next": "/admin/"})
    sent_away = client.get("/admin/")
    form = {"old_password": password, "new_password1": "a-long-own-pass-1", "new_password2": "a-long-own-pass-1"}
    changed = client.post(reverse("admin:password_change"), form)
    home = client.get("/admin/")

    assert (signed_in.status_code, sent_away["Location"]) == (302, "/admin/password_change/")
    assert (changed.status_code, home.status_code) == (302, 200)
    admin.refresh_from_db()
    assert (admin.must_change_password, admin.check_password("a-long-own-pass-1")) == (False, True)


@pytest.mark.parametrize("new", ["short", "12345678901", "secret-admin"])
def test_flow__weak_new_password__keeps_the_duty(client, admin, new):
    admin.set_password("unused-pass-1")
    admin.must_change_password = True
    admin.save()
    client.force_login(admin)

    form = {"old_password": "unused-pass-1", "new_password1": new, "new_password2": new + "x" * (new == "secret-admin")}
    answer = client.post(reverse("admin:password_change"), form)

    assert answer.status_code == 200
    assert User.objects.get().must_change_password is True


def test_reset__given_password__needs_no_change(admin):
    told = reset_admin_password("given-pass-1234")

    admin.refresh_from_db()
    assert (told.admin_password, told.admin_must_change) == ("given-pass-1234", False)
    assert (admin.must_change_password, admin.check_password("given-pass-1234")) == (False, True)
