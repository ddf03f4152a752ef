"""A hundred calls at once on a budget for sixty."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any

from bench.outage import spread
from bench.rehearsal_parts.asking import FORMS, Client, Outcome
from bench.rehearsal_parts.fleet import Fleet
from bench.rehearsal_parts.promises import Promises
from bench.rehearsal_parts.site import PRICE, Site

CALLS, ENOUGH_FOR = 100, 60
REFUSED = (429, "QUOTAS_2010")
SETTLED_SECONDS = 10.0


@dataclass(frozen=True)
class Holder:
    """Whose budget it is: `name` as budgets call it, and what to send as the bearer."""

    name: str
    authorization: str


async def rehearse(site: Site, fleet: Fleet, promises: Promises, *, rounds: int) -> dict[str, Any]:
    """Each round once on a key's budget and once on a person's, plain and streamed, over every process."""
    took: list[float] = []
    answered: Counter[str] = Counter()
    for number in range(rounds):
        for holder in (_key(number), _person(site, number)):
            calls = await _rush(fleet, holder)
            await _judge(holder, calls, promises)
            took += [1000 * (call.ended - call.began) for call in calls]
            answered[holder.name.partition(":")[0]] += sum(call.answered for call in calls)
    return {"rounds": rounds, "calls": len(took), "answered": dict(answered), "ms": spread(took)}


def _key(number: int) -> Holder:
    """A new key with the budget; its owner has none."""
    from apps.accounts.keys.scopes import scopes
    from apps.accounts.keys.services import create_key
    from apps.accounts.models import User

    owner = User.objects.create_user(username=f"key-owner-{number}", password=None)
    made = create_key(owner, by=owner, name="sixty", scopes=scopes(), budget=ENOUGH_FOR)
    return Holder(f"key:{made.row.pk}", f"Bearer {made.token}")


def _person(site: Site, number: int) -> Holder:
    """A new person with the budget, who comes with an access token."""
    from apps.accounts.models import User
    from apps.quotas.models import UserBudget

    person = User.objects.create_user(username=f"person-{number}", password=None)
    UserBudget.objects.create(user=person, credits=ENOUGH_FOR, period=UserBudget.Period.TOTAL)
    return Holder(f"user:{person.pk}", site.bearer(person))


async def _rush(fleet: Fleet, holder: Holder) -> list[Outcome]:
    client = Client()
    try:
        calls = (
            client.chat(fleet.ports[number % len(fleet.ports)], holder.authorization, FORMS[number % len(FORMS)])
            for number in range(CALLS)
        )
        return list(await asyncio.gather(*calls))
    finally:
        await client.close()


async def _judge(holder: Holder, calls: list[Outcome], promises: Promises) -> None:
    kinds = Counter((call.status, call.code) for call in calls)
    expected = {(200, ""): ENOUGH_FOR, REFUSED: CALLS - ENOUGH_FOR}
    promises.check(f"{ENOUGH_FOR} of {CALLS} are answered, {holder.name}", kept=kinds == expected, found=dict(kinds))
    counted = await _settled(holder)
    whole = (ENOUGH_FOR * PRICE, 0, 0)
    promises.check(f"spent, held and reserved are right, {holder.name}", kept=counted == whole, found=counted)
    costs = await _written(holder)
    promises.check(
        f"{ENOUGH_FOR} answers are written down, {holder.name}",
        kept=sum(costs.values()) == ENOUGH_FOR,
        found=dict(costs),
    )
    same = set(costs) == {(False, PRICE), (True, PRICE)}
    promises.check(f"streamed and plain cost the same, {holder.name}", kept=same, found=dict(costs))


async def _settled(holder: Holder) -> tuple[int, int, int]:
    """Spent and held of the budget, and how many reservations there are at all, once nothing is held."""
    from apps.core import redis
    from apps.providers.budgets.scripts import RESERVATIONS

    client: Any = redis.client()
    found = (-1, -1, -1)
    for _attempt in range(int(SETTLED_SECONDS / 0.05)):
        spent, held = client.hmget(redis.key(f"budget:{holder.name}:total"), "spent", "held")
        found = (int(spent or -1), int(held or 0), int(client.hlen(redis.key(RESERVATIONS))))
        if found[1:] == (0, 0):
            break
        await asyncio.sleep(0.05)
    return found


async def _written(holder: Holder) -> Counter[tuple[bool, int | None]]:
    """What was written down of the holder's answers, by form and cost, once all of them are there or time is up.

    The records leave their processes some 20 milliseconds after the calls, later on a busy machine.
    """
    from apps.providers.models import UsageRow
    from apps.providers.usage.consumer import write_pending

    kind, _colon, number = holder.name.partition(":")
    rows = UsageRow.objects.filter(**{f"{kind}_id": int(number)}, status="ok")
    for _attempt in range(int(SETTLED_SECONDS / 0.05)):
        write_pending()  # as the dispatcher does
        if rows.count() >= ENOUGH_FOR:
            break
        await asyncio.sleep(0.05)
    return Counter(rows.values_list("stream", "cost"))
