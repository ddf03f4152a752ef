"""Since when what is live is live, and by whom: a walk over the log of releases, which only grows."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from django.db.models import F, Max

from apps.core.cache import get_or_set
from apps.core.publishing.models import Release
from apps.features.publishing import SCOPE

TTL_SECONDS = 60.0


class _Row(TypedDict):
    at: str
    by: str | None


@dataclass(frozen=True)
class Since:
    """What made the live version of a feature live: when, and who (None: a command)."""

    at: datetime
    by: str | None


def live_since(revision: int) -> dict[str, Since]:
    """By feature; `revision` is the newest one of any head. A person's new name shows within a minute or so."""
    # The revision is part of the key: a release is another key, so nothing has to be forgotten and nothing is stale.
    found = get_or_set(f"features:live-since:{revision}", _walk, ttl=TTL_SECONDS)
    return {key: Since(datetime.fromisoformat(row["at"]), row["by"]) for key, row in found.items()}


def _walk() -> dict[str, _Row]:
    moves = Release.objects.filter(scope=SCOPE).exclude(from_version=F("to_version"))
    latest = moves.values("key").annotate(last=Max("revision")).order_by().values_list("last", flat=True)
    rows = Release.objects.filter(scope=SCOPE, revision__in=list(latest)).values_list("key", "at", "by__username")
    return {key: {"at": at.isoformat(), "by": name} for key, at, name in rows}
