"""What is live of one thing, as the runtime needs it: small, immutable, comparable by revision."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from apps.core.config.person import Person

BUCKETS = 10_000  # a hundredth of a percent is the finest share


@dataclass(frozen=True)
class Candidate:
    """A version that only some people get."""

    version: int
    sha256: str
    percent: int
    roles: frozenset[str] = frozenset()

    def is_for(self, scope: str, key: str, person: Person) -> bool:
        """Whether `person` gets it: by role, or by a hash that stays the same while the percentage grows.

        The version is part of the hash, so that it is not always the same people who try what is new.
        """
        if self.roles & person.roles:
            return True
        return person.signed_in and bucket_of(scope, key, self.version, person.id) < self.percent * BUCKETS // 100


@dataclass(frozen=True)
class HeadState:
    """One head. Version 0: nothing is live for everybody."""

    version: int
    sha256: str
    revision: int
    candidate: Candidate | None = None

    @property
    def versions(self) -> tuple[int, ...]:
        """What somebody gets: the stable version and the candidate."""
        return tuple(v for v in (self.version, self.candidate.version if self.candidate else 0) if v)

    def hash_of(self, version: int) -> str:
        """The hash of a version that is served; "" for any other."""
        if version == self.version:
            return self.sha256
        return self.candidate.sha256 if self.candidate and version == self.candidate.version else ""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        plain = asdict(self)
        if self.candidate:
            plain["candidate"]["roles"] = sorted(self.candidate.roles)
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "HeadState":
        """The inverse of `as_dict`. Raises `KeyError`, `TypeError` or `ValueError` for another shape."""
        given = plain["candidate"]
        candidate = given and Candidate(
            int(given["version"]), str(given["sha256"]), int(given["percent"]), frozenset(map(str, given["roles"]))
        )
        return cls(int(plain["version"]), str(plain["sha256"]), int(plain["revision"]), candidate or None)


def bucket_of(scope: str, key: str, version: int, person_id: str) -> int:
    """A stable number from 0 to 9999, evenly spread over people."""
    digest = hashlib.sha256(f"{scope}/{key}/{version}/{person_id}".encode()).digest()
    return int.from_bytes(digest[:8]) % BUCKETS
