"""How released configuration reaches a reader: who asks, the tag of the answer, and the shared bytes.

A tag is made of the revision and the audience alone, so a 304 builds nothing. The revision is read before the
payloads: an answer may be newer than its tag, never older.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import SynchronousOnlyOperation
from django.utils import translation
from starlette.requests import Request
from starlette.responses import Response

from apps.core.config import NOBODY, Person, reader
from apps.core.lane.bodies import Bodies, Passing
from apps.core.lane.conditional import is_any, tags_of, takes_gzip
from apps.core.lane.identity import Principal
from apps.features.audience import audience_of
from apps.features.feed import Released, Viewer
from apps.features.fields import named_roles
from apps.features.grants import SCOPE as GRANTS
from apps.features.publishing import SCOPE

BODIES_KEPT = 256  # audiences x routes of a revision or two; a body is some 100 KB with 200 features
ROLES_KEPT = 64  # sets of candidates; the newest revision's are asked for
OLD_SECONDS = 30.0  # what was not confirmed for longer is served with its age

bodies = Bodies(BODIES_KEPT)
_named: OrderedDict[Hashable, frozenset[str]] = OrderedDict()


@dataclass(frozen=True)
class Reading:
    """One reader at one revision. `viewer.roles` are only those that some payload names: others change nothing."""

    revision: int
    has_gap: bool  # a release was missed: the same revision will mean more once it is known
    person: Person
    viewer: Viewer
    candidates: frozenset[str]

    def released(self) -> Released:
        """What the reader is served. Blocks when memory cannot answer: call it in a thread."""
        return reader.served(SCOPE, self.person)

    def address(self, *more: Hashable) -> tuple[Hashable, ...]:
        """Equal for all who get the same bytes, in every process."""
        roles, signed_in, language, _draft, granted = self.viewer
        # Another version of the product may build other bytes.
        return (
            settings.VERSION,
            *more,
            self.revision,
            self.has_gap,
            signed_in,
            language,
            tuple(sorted(roles)),
            tuple(sorted(granted)),
            tuple(sorted(self.candidates)),
        )


def forget() -> None:
    """Drop everything that was built; a new process knows no more."""
    bodies.clear()
    _named.clear()


def person_of(principal: Principal | None) -> Person:
    """The caller as configuration is read for it."""
    return Person(id=str(principal.user_id), roles=principal.roles) if principal else NOBODY


async def reading_of(request: Request) -> Reading:
    """The caller at the newest revision known here."""
    return await reading_for(person_of(request.state.principal))


async def reading_for(person: Person) -> Reading:
    """`person` at the newest revision known here, in the language of the request."""
    look = await _looked_up(person)
    roles = person.roles & await _roles_that_matter((look.revision, look.has_gap, look.candidates), person)
    viewer = Viewer(roles, person.signed_in, translation.get_language() or "en", granted=look.granted)
    return Reading(look.revision, look.has_gap, person, viewer, look.candidates)


class _Look(NamedTuple):
    """What the index and the grants say of one person."""

    revision: int
    has_gap: bool
    candidates: frozenset[str]
    granted: frozenset[str]


async def _looked_up(person: Person) -> _Look:
    """`_look` from memory; in a thread only when the index or the grants have to be asked for."""
    if reader.source != "nothing" and not reader.has_gap and reader.warm(GRANTS):
        try:
            return _look(person)
        except SynchronousOnlyOperation:  # a gap has opened just now
            pass
    return await sync_to_async(_look)(person)


def _look(person: Person) -> _Look:
    """In this order: a gap opens with a revision. The features' payloads are not looked at."""
    revision, has_gap = reader.scope_revision(SCOPE), reader.has_gap
    return _Look(revision, has_gap, reader.candidates_for(SCOPE, person), audience_of(person).granted)


async def _roles_that_matter(place: Hashable, person: Person) -> frozenset[str]:
    """The roles that what this person is served names; found once for a revision and its candidates."""
    if (known := _named.get(place)) is not None:
        return known
    found, current = await sync_to_async(_roles_served)(person)
    if current:
        _named[place] = found
    while len(_named) > ROLES_KEPT:
        _named.popitem(last=False)
    return found


def _roles_served(person: Person) -> tuple[frozenset[str], bool]:
    released = reader.served(SCOPE, person)
    return _roles_in(released), is_current(released)


def is_current(released: Released) -> bool:
    """Whether all of it is what is live: a reader that cannot get a payload goes on with what it had before."""
    heads = reader.heads(SCOPE)
    return all(key in heads and version in heads[key].versions for key, (version, _payload) in released.items())


def _roles_in(released: Released) -> frozenset[str]:
    payloads = [payload for _version, payload in released.values()]
    named = [frozenset(payload["roles"]) for payload in payloads]
    return frozenset[str]().union(*named, *(named_roles([p["form"], p["output"]]) for p in payloads))


def shared(released: Released, content: bytes) -> bytes:
    """`content` made of `released`, to be kept for others only when that is what is live."""
    return content if is_current(released) else Passing(content)


async def deliver(
    request: Request, reading: Reading, address: tuple[Hashable, ...], build: Callable[[], bytes]
) -> Response:
    """304 when the caller has the answer, else the shared bytes, compressed where that is wanted."""
    tag, zipped = tag_of(address), takes_gzip(request.headers.get("accept-encoding", ""))
    asked = request.headers.get("if-none-match", "")
    offered = [f'"{tag}-gz"', f'"{tag}"'] if zipped else [f'"{tag}"']
    if asked and (held := next((one for one in offered if one in tags_of(asked)), None)):
        return Response(status_code=304, headers=headers_of(reading, {"ETag": held}))
    body = await bodies.get(address, build)
    if body.is_passing:
        return passing(body.plain, reading)
    content = body.packed if zipped and body.packed else body.plain
    more = {"ETag": f'"{tag}"'} if content is body.plain else {"ETag": f'"{tag}-gz"', "Content-Encoding": "gzip"}
    if is_any(asked):
        return Response(status_code=304, headers=headers_of(reading, {"ETag": more["ETag"]}))
    return Response(content, media_type="application/json", headers=headers_of(reading, more))


def passing(content: bytes, reading: Reading) -> Response:
    """An answer for this caller and this moment alone."""
    headers = {"Cache-Control": "no-store", **freshness(reading.revision)}
    return Response(content, media_type="application/json", headers=headers)


def headers_of(reading: Reading, more: Mapping[str, str]) -> dict[str, str]:
    """The headers of every answer that several readers may share."""
    return {
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Accept-Language, Accept-Encoding",
        **freshness(reading.revision),
        **more,
    }


def freshness(revision: int) -> dict[str, str]:
    """Which revision this is, and its age when it could not be confirmed lately."""
    age = reader.age()
    return {"X-Config-Version": str(revision), **({"Age": str(int(age))} if age > OLD_SECONDS else {})}


@lru_cache(maxsize=4096)
def tag_of(address: tuple[Hashable, ...]) -> str:
    """The entity tag of an address, without quotes."""
    return hashlib.blake2b(repr(address).encode(), digest_size=15).hexdigest()
