"""What a price list would change, and changing it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import F

from apps.core.publishing.usage import hold_releases
from apps.providers.errors import JumpsUnconfirmed, PricesMoved
from apps.providers.models import PRICES, Endpoint, Offer
from apps.providers.price_lists import SIZES, Entry, PriceList, by_model, names_for
from apps.providers.services.releasing import release_catalogue

JUMP = 10  # times; a list in another unit is off by more


@dataclass(frozen=True)
class Change:
    """One number of one model. Prices are in micro-credits; `old` None was unknown."""

    offer: int
    endpoint: str
    model: str
    field: str
    old: int | None
    new: int
    jump: bool

    @property
    def is_price(self) -> bool:
        return self.field.startswith("price_")


@dataclass
class PricePlan:
    """What a list changes here. `unknown` are its models that no endpoint offers, `unpriced` ours it does not name."""

    changes: list[Change] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    unpriced: list[str] = field(default_factory=list)
    same: int = 0
    problems: Sequence[Mapping[str, str]] = ()

    @property
    def jumps(self) -> list[Change]:
        """Suspicious changes: tenfold and more, or from or to nothing."""
        return [change for change in self.changes if change.jump]


def plan_prices(listed: PriceList) -> PricePlan:
    """Compare `listed` with what is offered. Nothing is written."""
    found, entries, used = PricePlan(problems=listed.problems), by_model(listed.entries), set[str]()
    for offer in Offer.objects.select_related("endpoint").order_by("endpoint__key", "model"):
        entry = _entry_for(offer, entries)
        if entry is None:
            found.unpriced.append(f"{offer.endpoint.key}/{offer.model}")
            continue
        used.add(entry.model)
        changes = list(_changes(offer, entry))
        found.changes += changes
        found.same += not changes
    found.unknown = sorted(set(entries) - used)
    return found


@transaction.atomic
def apply_prices(changes: Sequence[Change], *, by: Any, confirm: bool = False, note: str = "") -> int:
    """Write `changes` and release them once; returns how many numbers were changed.

    Raises `JumpsUnconfirmed` unless `confirm`, `PricesMoved` when a number is no longer what was looked at. Nothing is
    written then. Concurrency: each number is changed only while it is the old one.
    """
    if not confirm and (count := sum(change.jump for change in changes)):
        raise JumpsUnconfirmed(count=count)
    hold_releases()
    for change in changes:
        rows = Offer.objects.filter(pk=change.offer, **{change.field: change.old})
        if rows.update(**{change.field: change.new}) != 1:
            raise PricesMoved(model=f"{change.endpoint}/{change.model}")
    endpoints = Endpoint.objects.filter(offers__in={change.offer for change in changes}).distinct()
    for endpoint in endpoints:
        _bump(endpoint, by=by)
    if changes:
        release_catalogue(by=by, note=note)
    return len(changes)


def _bump(endpoint: Endpoint, *, by: Any) -> None:
    """The endpoint's form shows its prices: who has it open is told that they changed."""
    Endpoint.objects.filter(pk=endpoint.pk).update(revision=F("revision") + 1)
    endpoint.refresh_from_db()
    endpoint._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
    endpoint.save()


def _entry_for(offer: Offer, entries: Mapping[str, Sequence[Entry]]) -> Entry | None:
    """The entry that means this offer: of its endpoint before those for all."""
    for name in names_for(offer.endpoint.key, offer.endpoint.handler_key, offer.model):
        fitting = [entry for entry in entries.get(name, ()) if entry.endpoint in ("", offer.endpoint.key)]
        if fitting:
            return max(fitting, key=lambda entry: bool(entry.endpoint))
    return None


def _changes(offer: Offer, entry: Entry) -> Iterable[Change]:
    given = {f"price_{name}": entry.prices[name] for name in PRICES if name in entry.prices}
    given |= {name: entry.sizes[name] for name in SIZES if name in entry.sizes}
    for name, new in given.items():
        old = getattr(offer, name)
        if old != new:
            jump = name.startswith("price_") and _is_jump(old, new)
            yield Change(offer.pk, offer.endpoint.key, offer.model, name, old, new, jump)


def _is_jump(old: int | None, new: int) -> bool:
    if old is None:
        return False
    return old == 0 or new == 0 or max(old, new) > JUMP * min(old, new)
