"""Who uses what: a seam that the apps above fill in, asked before a part is deleted, switched off or published."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, Protocol

from django.db import connection
from django.db.models import F
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import ApiError
from apps.core.publishing.models import Revision

# "tool" is named "server/tool", "model" "endpoint/model". "route" is what is asked of models, whoever answers it:
# "capability" or "capability/model". "prompt_reference" is a prompt as it is written: "key", "key@label", "key@number".
Kind = Literal["prompt", "prompt_reference", "pipeline", "tool", "server", "endpoint", "model", "menu", "role", "route"]

NAMED = 5  # things named in a sentence before the rest is counted


@dataclass(frozen=True)
class Use:
    """One thing that uses a part, and in which of its states it does.

    `draft`: today's draft uses it. `live`, `candidate`: the version that does and is live, or on its way to be.
    `current`: what is live holds the part exactly as it is now (True when nothing live uses it). `only_route`: nothing
    else could stand in. `menu` and `roles` say whom the thing reaches; no roles are everybody. No address: no page.
    """

    kind: str
    key: str
    title: str
    url: str = ""
    publish_url: str = ""
    draft: bool = False
    live: int | None = None
    candidate: int | None = None
    current: bool = True
    menu: str = ""
    roles: tuple[str, ...] = ()
    only_route: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"roles": list(self.roles)}


class Finder(Protocol):
    """Knows the uses that one app's things make of parts below."""

    permission: str
    """What a person needs to be told of them."""
    publish_permission: str
    """What a person needs to open their publish pages."""

    def find(self, kind: Kind) -> Mapping[str, list[Use]]:
        """Every used part of `kind` by its key, in a number of queries that does not grow with the rows."""


class PartInUse(ApiError):
    """Deleting, switching off or renaming this would hurt what uses it. Nothing was changed."""

    code, reason, status = "CORE_2020", "E_PART_IN_USE", 409
    message = gettext_lazy("Still in use by %(names)s. Take it out there first and publish; nothing was changed.")
    advice: ClassVar[str | Promise] = gettext_lazy("Take it out of these and publish them; then it can go.")

    def __init__(self, uses: Iterable[Use]) -> None:
        self.uses = list(uses)
        names = named(self.uses) or _("something that was added just now")
        super().__init__(names=names, details={"uses": [use.as_dict() for use in self.uses]})


class OnlyRoute(PartInUse):
    """No other enabled, usable endpoint could answer in its place."""

    code, reason = "CORE_2021", "E_ONLY_ROUTE"
    message = gettext_lazy(
        "No other model could answer for %(names)s. Enable or add another one first; nothing was changed."
    )
    advice = gettext_lazy("No other model could answer for these. Enable or add another one first.")


class StillLive(PartInUse):
    """A draft whose release people use stays, so that the release can still be read, changed and withdrawn."""

    code, reason = "CORE_2022", "E_STILL_LIVE"
    message = gettext_lazy("%(names)s: live. Withdraw it first; nothing was deleted.")
    advice = gettext_lazy("People use what is live. Withdraw it first; then the draft can be deleted.")


_finders: dict[str, Finder] = {}


def register(name: str, finder: Finder) -> None:
    """Ask `finder` from now on; a second one of the same name takes its place."""
    _finders[name] = finder


def may_read_uses(user: Any) -> bool:
    """Whether `user` may be told who uses what."""
    return all(user.has_perm(finder.permission) for finder in _finders.values())


def may_publish(user: Any) -> bool:
    """Whether `user` may open the publish pages of what uses a part."""
    return all(user.has_perm(finder.publish_permission) for finder in _finders.values())


def uses_of_kind(kind: Kind) -> dict[str, list[Use]]:
    """Every use of every part of `kind`, by the part's key; parts that nobody uses are not in it."""
    found: dict[str, list[Use]] = {}
    for finder in _finders.values():
        for key, uses in finder.find(kind).items():
            found.setdefault(key, []).extend(uses)
    return found


def where_used(kind: Kind, key: str) -> list[Use]:
    """Everything whose draft or release uses the part `key`."""
    return uses_of_kind(kind).get(key, [])


def distinct(uses: Iterable[Use]) -> list[Use]:
    """Each user once, in the order of `uses`."""
    found: dict[tuple[str, str], Use] = {}
    for use in uses:
        found.setdefault((use.kind, use.key), use)
    return list(found.values())


def refuse_used(kind: Kind, keys: Iterable[str]) -> None:
    """Raises `PartInUse` when something uses one of the parts.

    Concurrency: call it in the transaction that changes the part. Releases under way are waited for and seen.
    """
    hold_releases()
    found = uses_of_kind(kind)
    if uses := distinct(use for key in keys for use in found.get(key, [])):
        raise PartInUse(uses)


def hold_releases() -> None:
    """Waits for the releases under way, and lets others wait until this transaction ends.

    The row is the one that every release counts up. SQLite's transactions exclude each other anyway; outside of a
    transaction there is nothing to hold.
    """
    if connection.in_atomic_block:
        Revision.objects.filter(pk=Revision.SINGLE).update(value=F("value"))


def named(uses: Iterable[Use]) -> str:
    """The users' titles for a sentence; of many, the first few and a count."""
    titles = [f"“{use.title}”" for use in distinct(uses)]
    shown = ", ".join(titles[:NAMED])
    if len(titles) <= NAMED:
        return shown
    return _("%(names)s and %(count)s more") % {"names": shown, "count": len(titles) - NAMED}
