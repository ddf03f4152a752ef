"""Tables for spreadsheet programs, in which no cell is a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

# A spreadsheet runs what begins with one of these, and some skip blanks before it.
_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def sheet(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV with a head line, CRLF as RFC 4180 wants, and a byte order mark, without which Chinese is guessed at."""
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return "\ufeff" + sink.getvalue()


def _cell(value: object) -> object:
    """Numbers as they are; texts that a spreadsheet would run with an apostrophe before them."""
    if isinstance(value, str) and value.lstrip(" \n\u00a0").startswith(_STARTS):
        return f"'{value}"
    return "" if value is None else value
