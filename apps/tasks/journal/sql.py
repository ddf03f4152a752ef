"""Many rows in one statement, written or written over; the same on SQLite and MySQL."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from django.db import connection, models

ROWS: Final = 100  # of one statement: SQLite takes 32,766 values, and MySQL a packet of 16 MB
AT_ONCE: Final = 4_000_000  # bytes of one statement, roughly


def put(model: type[models.Model], rows: Sequence[dict[str, Any]], *, key: Sequence[str] = ()) -> None:
    """Insert `rows`, which have the same columns; where `key` is taken, the other columns are written over."""
    for batch in _batches(rows):
        columns = tuple(batch[0])
        statement = _statement(connection.vendor, model, columns, tuple(key), len(batch))
        with connection.cursor() as cursor:
            cursor.execute(statement, _values(model, batch, columns))


def _batches(rows: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    batches: list[list[dict[str, Any]]] = []
    size = AT_ONCE
    for row in rows:
        weight = sum(len(value) for value in row.values() if isinstance(value, str))
        if size + weight > AT_ONCE or len(batches[-1]) >= ROWS:
            batches.append([])
            size = 0
        batches[-1].append(row)
        size += weight
    return batches


def _values(model: type[models.Model], batch: Sequence[dict[str, Any]], columns: tuple[str, ...]) -> list[Any]:
    """The batch as the driver takes it. Times and ids of one page are the same few, and each is converted once."""
    known: dict[tuple[str, Any], Any] = {}
    values = []
    for row in batch:
        for name in columns:
            value = row[name]
            if value is not None and not isinstance(value, str | int | float):
                at = name, value
                if at not in known:
                    known[at] = _plain(model, name, value)
                value = known[at]
            values.append(value)
    return values


@lru_cache(maxsize=512)
def _statement(
    vendor: str, model: type[models.Model], columns: tuple[str, ...], key: tuple[str, ...], rows: int
) -> str:
    quote = connection.ops.quote_name
    names = ", ".join(quote(name) for name in columns)
    marks = ", ".join(["(" + ", ".join(["%s"] * len(columns)) + ")"] * rows)
    statement = f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES {marks}"  # noqa: S608 - names of columns
    if not key:
        return statement
    rest = [quote(name) for name in columns if name not in key]
    if vendor == "mysql":
        return f"{statement} ON DUPLICATE KEY UPDATE " + ", ".join(f"{name}=VALUES({name})" for name in rest)
    taken = ", ".join(quote(name) for name in key)
    return f"{statement} ON CONFLICT ({taken}) DO UPDATE SET " + ", ".join(f"{name}=excluded.{name}" for name in rest)


@lru_cache(maxsize=256)
def _converter(vendor: str, model: type[models.Model], column: str) -> Any:
    return next(field for field in model._meta.concrete_fields if field.column == column)


def _plain(model: type[models.Model], column: str, value: Any) -> Any:
    """`value` as the driver takes it. Texts and numbers stand for themselves: JSON was made a text before."""
    return _converter(connection.vendor, model, column).get_db_prep_value(value, connection)
