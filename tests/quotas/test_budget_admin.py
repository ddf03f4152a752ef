"""Budgets of single people in the CMS."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.quotas.models import UserBudget

LIST = "/admin/quotas/userbudget/"


def give(count: int, word: str) -> None:
    people = [User.objects.create(username=f"{word}{number}") for number in range(count)]
    UserBudget.objects.bulk_create(UserBudget(user=user, credits=5) for user in people)


def test_list__50_rows__costs_no_more_queries_than_5(client: Client, operator: User) -> None:
    client.force_login(operator)

    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(LIST).status_code == 200
        return len(seen)

    give(5, "few")
    asked()  # what the process remembers afterwards
    few = asked()
    give(45, "more")

    assert (asked(), UserBudget.objects.count()) == (few, 50)


@pytest.mark.parametrize(
    ("credits", "words"), [(None, "on models without a limit"), (500, "may spend 500 credits a month on models")]
)
def test_list__people_without_a_row__says_what_holds_for_them(client, operator, settings, credits, words):
    settings.USER_BUDGET, settings.USER_BUDGET_PERIOD = credits, "month"
    UserBudget.objects.create(user=operator, credits=None)
    client.force_login(operator)

    text = client.get(LIST).content.decode()

    assert words in text
    assert "no limit" in text
