"""A time in the CMS names its zone until the browser shows it in the reader's own."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from apps.core.moments import moment

AT = datetime(2026, 3, 4, 5, 6, 7, 891000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("shape", "shown"),
    [
        ("", "2026-03-04 05:06 UTC"),
        ("seconds", "2026-03-04 05:06:07 UTC"),
        ("clock", "05:06:07 UTC"),
        ("exact", "05:06:07.891 UTC"),
    ],
)
def test_moment__shape__is_told_in_utc(shape, shown):
    told = moment(AT, shape)

    assert told == f'<time datetime="2026-03-04T05:06:07.891000+00:00" data-local="{shape}">{shown}</time>'


def test_moment__another_zone__is_told_in_utc():
    assert ">2026-03-04 05:06 UTC<" in moment(AT.astimezone(timezone(timedelta(hours=8))))


def test_moment__never__is_a_dash():
    assert moment(None) == "—"
