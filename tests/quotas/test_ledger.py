"""The ledger: every credit stands somewhere, and every hold ends once."""

import threading
from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.db import close_old_connections
from django.db.models import F
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from apps.quotas.errors import QuotaExhausted
from apps.quotas.models import Account, Book, Entry, Hold, Resolution
from apps.quotas.services import account_of, commit_hold, grant, hold_quota, release_hold, verify_ledger
from tests.conftest import Api, make_user


@pytest.fixture
def account(member, settings):
    settings.WELCOME_CREDITS = 100
    return account_of(member)


def standing() -> tuple[int, int]:
    return Account.objects.values_list("balance", "held").get()


def race(*works: Callable[[], object]) -> list[object]:
    """What each of `works` answered, all started at the same moment in threads of their own."""
    start, told = threading.Barrier(len(works), timeout=60), []

    def guarded(work: Callable[[], object]) -> None:
        start.wait()
        try:
            told.append(work())
        except QuotaExhausted:
            told.append("refused")
        finally:
            close_old_connections()

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def test_open__first_sight__grants_the_welcome_once(member, settings):
    settings.WELCOME_CREDITS = 100

    assert [account_of(member).balance, account_of(member).balance] == [100, 100]
    assert list(Entry.objects.values_list("kind", "debit", "credit", "amount", "source")) == [
        ("grant", "granted", "available", 100, f"welcome:{member.pk}")
    ]


def test_grant__same_source__is_booked_once(account):
    assert [grant(account, 5, source="order:1"), grant(account, 5, source="order:1")] == [True, False]
    assert (standing(), verify_ledger()) == ((105, 0), [])


def test_hold__enough__moves_credits_aside(member, account):
    hold_quota(member, task="t1", amount=30)

    assert (standing(), verify_ledger()) == ((70, 30), [])


def test_hold__same_task_again__answers_the_first(member, account):
    first = hold_quota(member, task="t1", amount=30)

    assert hold_quota(member, task="t1", amount=99) == first
    assert (standing(), Hold.objects.count()) == ((70, 30), 1)


def test_hold__too_much__is_refused_and_changes_nothing(member, account):
    with pytest.raises(QuotaExhausted) as refused:
        hold_quota(member, task="t1", amount=101)

    assert refused.value.details == {"cost": 101, "balance": 100}
    assert (standing(), Hold.objects.count(), Entry.objects.count()) == ((100, 0), 0, 1)


def test_hold__free_of_charge__is_a_hold_without_entries(member, account):
    hold_quota(member, task="t1", amount=0)

    assert commit_hold("t1", 0) is True
    assert (standing(), Entry.objects.count(), verify_ledger()) == ((100, 0), 1, [])


@pytest.mark.parametrize(("amount", "balance", "overrun"), [(30, 70, 0), (12, 88, 0), (0, 100, 0), (45, 70, 15)])
def test_commit__any_amount__is_clipped_at_the_hold(member, account, amount, balance, overrun):
    hold_quota(member, task="t1", amount=30)

    assert commit_hold("t1", amount) is True

    resolution = Resolution.objects.get()
    assert (standing(), resolution.amount, resolution.overrun) == ((balance, 0), min(amount, 30), overrun)
    assert verify_ledger() == []


@pytest.mark.parametrize("first", [lambda: commit_hold("t1", 10), lambda: release_hold("t1")])
@pytest.mark.parametrize("second", [lambda: commit_hold("t1", 10), lambda: release_hold("t1")])
def test_resolve__a_second_time__changes_nothing(member, account, first, second):
    hold_quota(member, task="t1", amount=30)
    first()
    before = standing()

    assert second() is False

    assert (standing(), Resolution.objects.count(), verify_ledger()) == (before, 1, [])


def test_resolve__no_hold__is_false(db):
    assert (commit_hold("t1", 1), release_hold("t1")) == (False, False)


@pytest.mark.parametrize(
    "corrupt",
    [
        lambda: Account.objects.update(balance=F("balance") + 1),
        lambda: Account.objects.update(held=F("held") - 1),
        lambda: Entry.objects.filter(kind="hold").delete(),
        lambda: Entry.objects.filter(kind="commit").update(amount=4),
        lambda: Entry.objects.filter(kind="grant").update(credit=Book.SPENT),
        lambda: Resolution.objects.all().delete(),
        lambda: Resolution.objects.update(amount=4),
        lambda: Hold.objects.filter(task="open").update(amount=7),
    ],
)
def test_verify__planted_corruption__is_found(member, account, corrupt):
    hold_quota(member, task="t1", amount=10)
    commit_hold("t1", 5)
    hold_quota(member, task="open", amount=6)
    assert verify_ledger() == []

    corrupt()

    assert verify_ledger() != []


def test_command__clean_ledger__exits_0(member, account, capsys):
    call_command("verify_ledger")

    assert capsys.readouterr().out == "0 differences\n"


def test_command__corrupt_ledger__exits_1_and_says_where(member, account, capsys):
    Account.objects.update(balance=101)

    with pytest.raises(SystemExit) as ended:
        call_command("verify_ledger")

    assert ended.value.code == 1
    assert capsys.readouterr().out == (f"account {account.pk}: balance is 101, the ledger says 100\n1 differences\n")


def test_read_quota__three_people__see_their_own(member, stranger, settings):
    settings.WELCOME_CREDITS = 100
    hold_quota(member, task="t1", amount=30)

    assert Api(member).get("/api/v1/quota").json() == {"balance": 70, "held": 30}
    assert Api(stranger).get("/api/v1/quota").json() == {"balance": 100, "held": 0}
    assert Api().get("/api/v1/quota").status_code == 401


@pytest.mark.django_db(transaction=True)
def test_hold__more_at_once_than_credits__exactly_the_credits_succeed(settings):
    settings.WELCOME_CREDITS = 10
    user = make_user("mia")
    account_of(user)

    told = race(*(lambda n=n: hold_quota(user, task=f"t{n}", amount=1) for n in range(14)))

    assert (told.count("refused"), len(told)) == (4, 14)
    assert (standing(), Hold.objects.count(), verify_ledger()) == ((0, 10), 10, [])


@pytest.mark.django_db(transaction=True)
def test_hold__a_hundred_credits_by_eight_workers__never_one_too_many(settings):
    settings.WELCOME_CREDITS = 100
    user = make_user("mia")
    account_of(user)

    def spend(worker: int) -> int:
        won = 0
        for number in range(15):
            try:
                hold_quota(user, task=f"t{worker}-{number}", amount=1)
                won += 1
            except QuotaExhausted:
                pass
        return won

    told = race(*(lambda n=n: spend(n) for n in range(8)))

    assert sum(told) == 100  # type: ignore[arg-type]
    assert (standing(), verify_ledger()) == ((0, 100), [])


@pytest.mark.django_db(transaction=True)
def test_hold__same_task_at_once__is_one_hold(settings):
    settings.WELCOME_CREDITS = 100
    user = make_user("mia")
    account_of(user)

    told = race(*[lambda: hold_quota(user, task="t1", amount=30).pk] * 6)

    assert told == [Hold.objects.get().pk] * 6
    assert (standing(), verify_ledger()) == ((70, 30), [])


@pytest.mark.django_db(transaction=True)
def test_resolve__commit_and_release_at_once__exactly_one_happens(settings):
    settings.WELCOME_CREDITS = 100
    user = make_user("mia")
    for number in range(5):
        task = f"t{number}"
        hold_quota(user, task=task, amount=10)

        told = race(
            lambda t=task: commit_hold(t, 10), lambda t=task: release_hold(t), lambda t=task: commit_hold(t, 10)
        )

        assert sorted(told) == [False, False, True]  # type: ignore[type-var]

    charged = Resolution.objects.filter(kind="commit").count() * 10
    assert (standing(), verify_ledger()) == ((100 - charged, 0), [])


@pytest.mark.django_db(transaction=True)
def test_open_and_grant__at_once__happen_once(settings):
    settings.WELCOME_CREDITS = 100
    user = make_user("mia")

    race(*[lambda: account_of(user).pk] * 5)
    told = race(*[lambda: grant(account_of(user), 7, source="order:1")] * 5)

    assert sorted(told) == [False] * 4 + [True]  # type: ignore[type-var]
    assert (standing(), verify_ledger()) == ((107, 0), [])


class Ledger(RuleBasedStateMachine):
    """Any calls in any order; beside them, what the balance must be."""

    TASKS = st.sampled_from(["a", "b", "c", "d"])
    AMOUNTS = st.integers(0, 60)

    @initialize()
    def start(self) -> None:
        self.user = make_user("mia")
        self.balance = account_of(self.user).balance
        self.open: dict[str, int] = {}
        self.seen: set[str] = set()
        self.granted: set[int] = set()

    @rule(amount=st.integers(1, 60), source=st.integers(0, 5))
    def grant(self, amount: int, source: int) -> None:
        booked = grant(account_of(self.user), amount, source=f"order:{source}")
        assert booked == (source not in self.granted)
        if booked:
            self.balance += amount
            self.granted.add(source)

    @rule(task=TASKS, amount=AMOUNTS)
    def hold(self, task: str, amount: int) -> None:
        try:
            hold_quota(self.user, task=task, amount=amount)
        except QuotaExhausted:
            assert task not in self.seen
            assert amount > self.balance
            return
        if task not in self.seen:
            self.balance -= amount
            self.open[task] = amount
            self.seen.add(task)

    @rule(task=TASKS, amount=AMOUNTS)
    def commit(self, task: str, amount: int) -> None:
        assert commit_hold(task, amount) == (task in self.open)
        held = self.open.pop(task, 0)
        self.balance += held - min(amount, held)

    @rule(task=TASKS)
    def release(self, task: str) -> None:
        assert release_hold(task) == (task in self.open)
        self.balance += self.open.pop(task, 0)

    @invariant()
    def balances(self) -> None:
        assert standing() == (self.balance, sum(self.open.values()))
        assert self.balance >= 0
        assert verify_ledger() == []

    def teardown(self) -> None:
        for model in (Entry, Resolution, Hold, Account):
            model.objects.all().delete()
        self.user.delete()


class LedgerLaw(TestCase):
    def test_use__any_order_of_calls__keeps_the_books(self) -> None:
        with self.settings(WELCOME_CREDITS=50):
            # A third of the profile: each step verifies the whole ledger.
            run_state_machine_as_test(Ledger, settings=settings(max_examples=settings().max_examples // 3))
