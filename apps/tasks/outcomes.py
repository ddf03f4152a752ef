"""How the runs of a feature's versions went: what a gradual release is judged by."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Count, Q

from apps.core.publishing.outcomes import Outcomes
from apps.tasks.models import Status, Task


def outcomes(feature: str, versions: Sequence[int], since: datetime) -> Mapping[int, Outcomes]:
    """The ended runs of each version since then; cancelled ones do not count."""
    ended = Q(status=Status.SUCCEEDED) | Q(status=Status.FAILED)
    rows = Task.objects.live().filter(ended, feature=feature, version__in=list(versions), finished_at__gte=since)
    counted = rows.values("version").annotate(finished=Count("pk"), failed=Count("pk", filter=Q(status=Status.FAILED)))
    return {row["version"]: Outcomes(row["finished"], row["failed"]) for row in counted.order_by("version")}
