"""Whose budgets a call counts against: the key's and the person's, however the person came."""

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from apps.core.cache import read_cache
from apps.core.lane.identity import KeyGrant, Principal
from apps.providers.budgets import Budget, budgets_of
from apps.quotas.models import UserBudget

holders = async_to_sync(budgets_of)


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    """Look-ups of the hot lane see the test's transaction."""
    monkeypatch.setattr(read_cache, "in_thread", sync_to_async)


def signed_in(user, **fields):
    return Principal(user.pk, user.username, frozenset(), user.token_epoch, **fields)


def test_budgets_of__access_token__has_the_persons_budget(member):
    UserBudget.objects.create(user=member, credits=3, period="day")

    assert holders(signed_in(member)) == (Budget(f"user:{member.pk}", 3_000_000, "day"),)


def test_budgets_of__access_token_of_somebody_without_one__has_none_and_asks_once(member, django_assert_num_queries):
    # the person, their roles, their budget
    with django_assert_num_queries(3):
        answers = [holders(signed_in(member)) for _n in range(5)]

    assert answers == [()] * 5


def test_budgets_of__setting_for_everybody__holds(member, settings):
    settings.USER_BUDGET, settings.USER_BUDGET_PERIOD = 7, "total"

    assert holders(signed_in(member)) == (Budget(f"user:{member.pk}", 7_000_000, "total"),)


def test_budgets_of__key_with_a_budget__has_both(member, django_assert_num_queries):
    principal = signed_in(member, key=KeyGrant(5, budget=2, budget_period="day"), budget=9, budget_period="month")

    with django_assert_num_queries(0):
        found = holders(principal)

    assert found == (Budget("key:5", 2, "day"), Budget(f"user:{member.pk}", 9, "month"))
