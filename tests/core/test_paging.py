"""Cursor pages: following `next` shows every row once, in order, however the times tie."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.accounts.models import User
from apps.core.errors import CursorInvalid
from apps.core.paging import paginate
from apps.core.publishing.models import Snapshot
from apps.core.storage.models import StoredFile
from tests.conftest import Api, make_user

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)


def make_snapshots(offsets: list[int]) -> list[Snapshot]:
    rows = [Snapshot(scope="toy", key="bear", version=n, body="{}", sha256="") for n in range(len(offsets))]
    Snapshot.objects.bulk_create(rows)
    found = list(Snapshot.objects.filter(scope="toy").order_by("id"))
    for row, offset in zip(found, offsets, strict=True):
        row.created_at = MONDAY + timedelta(seconds=offset)
    Snapshot.objects.bulk_update(found, ["created_at"])
    return found


def cursor_of(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


class PagingLaw(TestCase):
    """Hypothesis needs a transaction per example, which its own TestCase gives."""

    @settings(max_examples=40)
    @given(offsets=st.lists(st.integers(0, 3), max_size=12), size=st.integers(1, 5))
    def test_paginate__any_times_with_ties__equals_the_full_list(self, offsets, size):
        rows = make_snapshots(offsets)
        expected = [row.pk for row in sorted(rows, key=lambda r: (r.created_at, r.pk), reverse=True)]

        seen, cursor, pages = [], None, 0
        while pages == 0 or cursor:
            page = paginate(Snapshot.objects.filter(scope="toy"), cursor=cursor, size=size)
            seen += [row.pk for row in page.items]
            cursor, pages = page.next, pages + 1

        assert seen == expected
        assert pages == max(1, -(-len(rows) // size))


def test_paginate__rows_added_meanwhile__neither_repeats_nor_skips(db):
    rows = make_snapshots([0, 1, 2, 3])
    first = paginate(Snapshot.objects.all(), cursor=None, size=2)

    newer = Snapshot.objects.create(scope="toy", key="bear", version=99, body="{}", sha256="")
    Snapshot.objects.filter(pk=newer.pk).update(created_at=MONDAY + timedelta(days=1))
    second = paginate(Snapshot.objects.all(), cursor=first.next, size=2)

    assert [row.pk for row in first.items + second.items] == [row.pk for row in reversed(rows)]


@pytest.mark.parametrize("size", [0, -5, 101, 10**9])
def test_paginate__size_out_of_range__is_clipped(db, django_assert_max_num_queries, size):
    make_snapshots([0, 1])

    with django_assert_max_num_queries(1):
        page = paginate(Snapshot.objects.all(), cursor=None, size=size)

    assert len(page.items) == (1 if size < 1 else 2)


TAMPERED = [
    "x",
    "é",
    "%%%",
    "AAAA",
    cursor_of("2026-03-02T12:00:00+00:00"),
    cursor_of("2026-03-02T12:00:00+00:00|"),
    cursor_of("2026-03-02T12:00:00|5"),
    cursor_of("0001-01-01T00:00:00+14:00|5"),
    cursor_of("9999-12-31T23:59:59-14:00|5"),
    cursor_of("2026-03-02T12:00:00+00:00|abc"),
    cursor_of("2026-03-02T12:00:00+00:00|²"),
    cursor_of("2026-03-02T12:00:00+00:00|5' OR '1'='1"),
    cursor_of("yesterday|5"),
    cursor_of("2026-03-02T12:00:00+00:00|5\x00"),
    "A" * 5000,
]


@pytest.mark.parametrize("cursor", TAMPERED)
@pytest.mark.parametrize("model", [Snapshot, StoredFile])
def test_paginate__tampered_cursor__is_refused(db, model, cursor):
    with pytest.raises(CursorInvalid):
        paginate(model.objects.all(), cursor=cursor)


@pytest.mark.parametrize("cursor", [*TAMPERED[3:10], cursor_of("2026-03-02T12:00:00+00:00|5")])
def test_list_tasks__tampered_cursor__is_a_clean_400(member, cursor):
    answer = Api(member).get("/api/v1/tasks", params={"cursor": cursor})

    assert (answer.status_code, answer.json()["code"]) == (400, "CORE_2009")


@settings(max_examples=150)
@given(cursor=st.text(min_size=1, max_size=60) | st.text(max_size=40).map(lambda t: cursor_of(t) or "x"))
def test_decode__any_text__is_a_cursor_or_refused(cursor):
    from apps.core.paging import _decode

    try:
        created_at, _row_id = _decode(cursor, Snapshot)
    except CursorInvalid:
        return

    assert created_at.tzinfo is not None


def test_paginate__huge_id__is_just_an_empty_page(db):
    make_user("ann")

    page = paginate(Snapshot.objects.all(), cursor=cursor_of(f"2026-03-02T12:00:00+00:00|{10**40}"))

    assert (page.items, page.next, User.objects.count()) == ([], None, 1)
