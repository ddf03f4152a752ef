"""When a key was last used: noted in memory by the call, written by a thread of its own."""

import time
from collections import OrderedDict
from datetime import UTC, datetime, timedelta

from django.db.models import Q

from apps.accounts.models import ApiKey
from apps.core.batches import Batches

EVERY_SECONDS = 60.0  # as exact as it gets, and what a busy key may cost in writes
KEPT = 10_000  # keys

_noted: "OrderedDict[int, float]" = OrderedDict()


def note_use(key_id: int) -> None:
    """The key is being used. Costs no query."""
    now = time.time()
    if now - _noted.get(key_id, 0.0) < EVERY_SECONDS:
        return
    _noted[key_id] = now
    if len(_noted) > KEPT:
        _noted.popitem(last=False)
    uses.add((key_id, now))


def _write(batch: list[tuple[int, float]]) -> None:
    for key_id, at in dict(batch).items():
        when = datetime.fromtimestamp(at, UTC)
        stale = Q(last_used_at=None) | Q(last_used_at__lte=when - timedelta(seconds=EVERY_SECONDS))
        ApiKey.objects.filter(stale, pk=key_id).update(last_used_at=when)


uses: Batches[tuple[int, float]] = Batches("key-uses", _write, pause=5.0, size=500, most=KEPT)
