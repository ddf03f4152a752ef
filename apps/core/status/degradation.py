"""What is degraded just now, for the banner of the admin: from the health probes, a second old at most."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core import health


@dataclass(frozen=True)
class Degradation:
    """One thing that is not as it should be: what it is, what still works, what does not."""

    code: str
    title: str | Promise
    works: str | Promise
    fails: str | Promise


REDIS_AWAY = Degradation(
    "redis",
    _("Redis does not answer."),
    _("Front ends, forms and sign-in go on; what you publish is kept, and every process sees it within five seconds."),
    _(
        "Tasks wait, live progress pauses, and nobody can tell which process serves what. "
        "It mends itself when Redis is back."
    ),
)
STALE = Degradation(
    "stale",
    _("The configuration has not been confirmed for over a minute."),
    _("What was live then is still served."),
    _("A release of the last minutes may not be visible here yet. See whether the database answers."),
)
FROM_BACKUP = Degradation(
    "backup",
    _("This process serves the backup of this machine."),
    _("What was live when the backup was written is served."),
    _("Newer releases are not visible until the database answers; publishing is refused."),
)
REFUSED = Degradation(
    "refused",
    _("A released version cannot be read, and is not served."),
    _("The version before it goes on being served, and everything else."),
    _("The status page names it. Publish the feature again, or roll it back."),
)


def degradations() -> list[Degradation]:
    """What to tell on every page; nothing when all is well."""
    told = health.overview()
    found: list[tuple[Degradation, Callable[[dict[str, Any]], bool]]] = [
        (REDIS_AWAY, lambda t: not t["redis"]["ok"]),
        (FROM_BACKUP, lambda t: t["config"]["source"] == "backup"),
        (STALE, lambda t: t["config"]["age"] > health.STALE_SECONDS),
        (REFUSED, lambda t: bool(t["config"]["refused"])),
    ]
    return [degradation for degradation, applies in found if applies(told)]
