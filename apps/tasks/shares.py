"""Fair shares: how many runs of one user are under way at once, and whose turn it is."""

from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from apps.core.events.bell import ring
from apps.tasks.models import Kind, Share, Status, Task, TaskQuerySet

FREED: Final = "slots"  # the bell that tells workers of a place that somebody waits for
LOOKED_AT: Final = 500  # candidates of one look; more than any process has slots


def has_room(rows: TaskQuerySet) -> bool:
    """Whether one more run of the user whose task `rows` is may begin. Call it inside the claim's transaction.

    Claims of one user take turns at the row of their share, so what is counted stays true until the claim commits.
    """
    wanted = rows.values_list("user_id", "kind").first()
    if wanted is None:
        return False
    user_id, kind = wanted
    if not Share.objects.filter(pk=user_id).update(claims=F("claims") + 1):
        Share.objects.get_or_create(pk=user_id)
        Share.objects.filter(pk=user_id).update(claims=F("claims") + 1)
    running = under_way().filter(user_id=user_id, **_like(kind)).count()
    return bool(running < settings.TASK_PER_USER)


def under_way() -> TaskQuerySet:
    """What somebody works on now; a lapsed lease is nobody's."""
    return Task.objects.filter(status=Status.RUNNING, lease_until__gte=timezone.now())


def _like(kind: str) -> dict[str, Any]:
    """Trials do not take the place of runs, nor runs that of trials."""
    return {"kind": Kind.LIVE} if kind == Kind.LIVE else {"kind__in": (Kind.TRIAL, Kind.REPLAY)}


def tell_of_place(task: Task) -> None:
    """Have the workers look, once this transaction is committed, if a run of the user waits for the place of `task`.

    It may have been refused by every worker while `task` was under way, and whoever ends `task` may have no slot free.
    What is queued later than the commit rings by itself.
    """

    def tell() -> None:
        if Task.objects.claimable().filter(user_id=task.user_id, **_like(task.kind)).exists():
            ring(FREED)

    transaction.on_commit(tell, robust=True)


def next_tasks(count: int, *, live: bool) -> list[str]:
    """The ids of at most `count` tasks that are due, in fair order: of whoever has the fewest under way, the oldest.

    Two queries, however many wait.
    """
    kinds = _like(Kind.LIVE if live else Kind.TRIAL)
    running = dict(under_way().filter(**kinds).values_list("user_id").annotate(n=Count("pk")).order_by())
    place = Window(RowNumber(), partition_by=F("user_id"), order_by=[F("created_at").asc(), F("pk").asc()])
    waiting = Task.objects.claimable().filter(**kinds).annotate(place=place).filter(place__lte=settings.TASK_PER_USER)
    found = [
        (running.get(user_id, 0) + number, created_at, str(pk))
        for pk, user_id, created_at, number in waiting.values_list("pk", "user_id", "created_at", "place")[:LOOKED_AT]
    ]
    return [pk for turn, _, pk in sorted(found) if turn <= settings.TASK_PER_USER][:count]
