"""Who sees and runs a feature: role by role, in the draft and in what is live."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group

from apps.accounts.roles import Role
from apps.core.publishing.models import Head
from apps.features.audience import is_visible, may_run


@dataclass(frozen=True)
class Reach:
    """Whether somebody sees and runs one state of a feature."""

    sees: bool
    runs: bool


@dataclass(frozen=True)
class Row:
    """One role, in the draft and in what is live (None: nothing is)."""

    role: str  # "" is a visitor who has not signed in
    draft: Reach
    live: Reach | None

    @property
    def differs(self) -> bool:
        return self.live is not None and self.live != self.draft


def access_table(draft: Mapping[str, Any], head: Head | None) -> list[Row]:
    """A row for visitors and for each role, built-in ones first."""
    live = head.snapshot.payload if head and head.snapshot else None
    names = sorted(Group.objects.values_list("name", flat=True), key=lambda name: (name not in set(Role), name))
    return [Row(name, _reach(draft, name), _reach(live, name) if live is not None else None) for name in ["", *names]]


def _reach(payload: Mapping[str, Any], role: str) -> Reach:
    roles = frozenset({role} if role else ())
    return Reach(is_visible(payload, roles), may_run(payload, roles, signed_in=bool(role)))
