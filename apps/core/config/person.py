"""For whom configuration is read: what a gradual release and a visibility rule look at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """One reader. Nobody signed in: no id and no roles."""

    id: str = ""
    roles: frozenset[str] = frozenset()

    @property
    def signed_in(self) -> bool:
        return bool(self.id)


NOBODY = Person()
