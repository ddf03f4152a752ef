"""One order of an operator becomes the right act: publish, release to some, or plan either for later."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.core.publishing import services as publishing
from apps.core.publishing.models import Plan, Snapshot
from apps.features import services
from apps.features.errors import PublishRight
from apps.features.publishing import SCOPE
from apps.features.rights import may


@dataclass(frozen=True)
class Order:
    """What somebody wants to happen to a draft that they looked at.

    With `some` it goes to `percent` of people and to `roles` first. `due_at` waits for a time, `ask` for a second
    person. `sha256` and `live` are what was looked at.
    """

    note: str = ""
    confirm: bool = False
    sha256: str = ""
    live: int | None = None
    some: bool = False
    percent: int = 0
    roles: tuple[str, ...] = ()
    margin: int | None = None
    due_at: datetime | None = None
    ask: bool = False

    @property
    def waits(self) -> bool:
        return self.ask or self.due_at is not None

    @property
    def audience(self) -> dict[str, Any]:
        return {"percent": self.percent, "roles": self.roles, "margin": self.margin} if self.some else {}


def carry_out(key: str, order: Order, *, by: Any) -> Snapshot | Plan:
    """Release the draft `key`, or plan its release; returns which of the two happened.

    Raises `PublishRight`, and what `publish`, `start_rollout` and `plan_release` do; nothing changes then.
    """
    common = {"by": by, "note": order.note, "confirm": order.confirm, "expected_sha256": order.sha256}
    if order.waits:
        action = Plan.Action.ROLLOUT if order.some else Plan.Action.PUBLISH
        return services.plan_feature(key, action=action, due_at=order.due_at, ask=order.ask, **common, **order.audience)
    if not may(by, "publish", services.draft(key)):
        raise PublishRight()
    if order.some:
        return publishing.start_rollout(SCOPE, key, expected_live=order.live, **common, **order.audience)
    return services.publish_feature(key, expected_version=order.live, **common)
