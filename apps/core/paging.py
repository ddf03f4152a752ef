"""Cursor pages over a stable order, newest first. Never OFFSET."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

from apps.core.errors import CursorInvalid

DEFAULT_SIZE = 20
MAX_SIZE = 100
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Page(Generic[M]):
    """One page: its rows and the cursor of the next page, or None at the end."""

    items: list[M]
    next: str | None


def paginate(rows: QuerySet[M], *, cursor: str | None, size: int = DEFAULT_SIZE) -> Page[M]:
    """A page of `rows` by `created_at DESC, id DESC`, starting after `cursor`.

    Raises `CursorInvalid` when the cursor was tampered with.
    """
    size = max(1, min(size, MAX_SIZE))
    if cursor:
        created_at, row_id = _decode(cursor, rows.model)
        # The row constructor does no range scan on MariaDB; this form does, at any depth.
        rows = rows.filter(created_at__lte=created_at).filter(Q(created_at__lt=created_at) | Q(id__lt=row_id))
    found = list(rows.order_by("-created_at", "-id")[: size + 1])
    return Page(items=found[:size], next=_encode(found[size - 1]) if len(found) > size else None)


def _encode(row: Any) -> str:
    return base64.urlsafe_b64encode(f"{row.created_at.isoformat()}|{row.pk}".encode()).decode().rstrip("=")


def _decode(cursor: str, model: type[Model]) -> tuple[datetime, Any]:
    """The stamp and the primary key, both as values that the database takes."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        stamp, _sep, row_id = text.partition("|")
        created_at = datetime.fromisoformat(stamp)
        if created_at.tzinfo is None:
            raise CursorInvalid()
        return created_at.astimezone(UTC), model._meta.pk.to_python(row_id)
    except (ValueError, OverflowError, ValidationError) as exc:
        raise CursorInvalid() from exc


def paginate_by_number(rows: QuerySet[M], *, field: str, cursor: str | None, size: int = DEFAULT_SIZE) -> Page[M]:
    """A page of `rows` by the unique number `field`, highest first, starting below `cursor`. Raises `CursorInvalid`."""
    if cursor:
        if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
            raise CursorInvalid()
        rows = rows.filter(**{f"{field}__lt": int(cursor)})
    found = list(rows.order_by(f"-{field}")[: size + 1])
    return Page(items=found[:size], next=str(getattr(found[size - 1], field)) if len(found) > size else None)
