"""Batches: handed over by anybody, delivered by one thread, in order, until it succeeds."""

import threading

import pytest

from apps.core import batches
from apps.core.batches import Batches


class Sink:
    """Where things are delivered; fails as often as it is told to."""

    def __init__(self, *, failures: int = 0) -> None:
        self.got: list[list[int]] = []
        self.failures = failures
        self.enough = threading.Event()

    def __call__(self, things: list[int]) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError
        self.got.append(things)
        self.enough.set()


def test_flush__more_than_one_batch__delivers_all_in_order():
    sink = Sink()
    some = Batches("x", sink, pause=0, size=2, most=10)
    for n in range(5):
        some.add(n)

    some.flush()

    assert (sink.got, len(some)) == ([[0, 1], [2, 3], [4]], 0)


def test_flush__delivery_fails__keeps_the_order_for_the_next():
    sink = Sink(failures=1)
    some = Batches("x", sink, pause=0, size=2, most=10)
    for n in range(3):
        some.add(n)
    with pytest.raises(ConnectionError):
        some.flush()

    some.flush()

    assert sink.got == [[0, 1], [2]]


def test_add__more_than_may_wait__drops_the_oldest_and_says_how_many(caplog):
    sink = Sink()
    some = Batches("x", sink, pause=0, size=10, most=2)
    for n in range(5):
        some.add(n)

    some.flush()

    assert sink.got == [[3, 4]]
    assert "batches.dropped" in caplog.text
    assert "3" in caplog.text


def test_add__with_its_thread__is_delivered_after_a_failure(monkeypatch):
    monkeypatch.setattr(Batches, "threaded", True)
    monkeypatch.setattr(batches, "RETRY_SECONDS", 0)
    sink = Sink(failures=1)
    some = Batches("x", sink, pause=0, size=2, most=10)

    some.add(1)

    assert sink.enough.wait(30)
    assert sink.got == [[1]]


def test_fork__what_waits__is_the_parents():
    sink = Sink()
    some = Batches("x", sink, pause=0, size=2, most=10)
    some.add(1)

    some.after_fork()
    some.flush()

    assert sink.got == []
