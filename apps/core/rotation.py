"""Seal everything again under the key in front of the ring, while everything goes on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from apps.core.crypto import Sealed, SecretUnreadable, current_kid, decrypt, encrypt, kid_of, sealed_fields

BATCH = 200  # rows read at once; each is written by itself, so that nobody waits for a lock
PASSES = 3  # a blob that was replaced meanwhile, by a process with an older ring, is taken by the next pass


@dataclass
class Tally:
    """What became of one field's blobs. `left` are readable and still under another key."""

    name: str
    total: int = 0
    rotated: int = 0
    current: int = 0
    left: int = 0
    unreadable: list[str] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return not self.left and not self.unreadable


Progress = Callable[[Tally], None]


def rotate(*, dry_run: bool = False, batch: int = BATCH, on_progress: Progress | None = None) -> list[Tally]:
    """One tally for each registered field. With `dry_run` nothing is written, and `left` says what would be.

    May be stopped at any time and run again: what is under the current key is passed by. A blob that nobody can read
    is named and left alone. Concurrency: a blob is replaced only while it is the one that was read.
    """
    return [_rotated(sealed, dry_run, batch, on_progress) for sealed in sealed_fields.values()]


def _rotated(sealed: Sealed, dry_run: bool, batch: int, on_progress: Progress | None) -> Tally:
    rotated = 0
    for _number in range(1 if dry_run else PASSES):
        tally = Tally(sealed.name, rotated=rotated)
        for rows in _batches(sealed, batch):
            for row in rows:
                _take(sealed, row, tally, dry_run=dry_run)
            if on_progress:
                on_progress(tally)
        rotated = tally.rotated
        if not tally.left:
            break
    tally.current = tally.total - tally.rotated - tally.left - len(tally.unreadable)
    return tally


def _batches(sealed: Sealed, size: int) -> Iterator[list[Any]]:
    """Rows with a blob, by primary key."""
    rows, last = sealed.rows().exclude(**{sealed.field: ""}).order_by("pk"), None
    while found := list((rows if last is None else rows.filter(pk__gt=last))[:size]):
        yield found
        last = found[-1].pk


def _take(sealed: Sealed, row: Any, tally: Tally, *, dry_run: bool) -> None:
    blob, bound_to = getattr(row, sealed.field), sealed.bound_to(row)
    kid = kid_of(blob)
    tally.total += 1
    try:
        plaintext = decrypt(blob, bound_to=bound_to)
    except SecretUnreadable:
        tally.unreadable.append(f"{sealed.name} {row.pk}")
        kid = kid or "?"
    else:
        if kid == current_kid():
            pass
        elif not dry_run and _replaced(sealed, row, blob, encrypt(plaintext, bound_to=bound_to)):
            tally.rotated += 1
            kid = current_kid()
        else:
            tally.left += 1
    tally.keys[kid] = tally.keys.get(kid, 0) + 1


def _replaced(sealed: Sealed, row: Any, old: str, new: str) -> bool:
    return sealed.rows().filter(pk=row.pk, **{sealed.field: old}).update(**{sealed.field: new}) == 1
