"""What is live at one revision: small, immutable, swapped whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any, Literal

from apps.core.config.heads import HeadState

Key = tuple[str, str]


@dataclass(frozen=True)
class Index:
    """What is live, at one revision."""

    heads: Mapping[Key, HeadState] = field(default_factory=dict)
    revision: int = 0
    source: Literal["nothing", "table", "backup"] = "nothing"
    gap: bool = False  # a message was missed: another head may have moved

    @cached_property
    def known(self) -> bool:
        return self.source != "nothing"

    @cached_property
    def settled(self) -> bool:
        """Whether a reader may use it without asking further."""
        return self.known and not self.gap

    @cached_property
    def by_scope(self) -> dict[str, dict[str, HeadState]]:
        """The heads of each scope by key, in order."""
        found: dict[str, dict[str, HeadState]] = {}
        for (scope, key), head in sorted(self.heads.items(), key=itemgetter(0)):
            found.setdefault(scope, {})[key] = head
        return found

    @cached_property
    def revisions(self) -> dict[str, int]:
        """The newest revision in each scope."""
        return {scope: max(head.revision for head in heads.values()) for scope, heads in self.by_scope.items()}


def heads_in_table() -> tuple[dict[Key, HeadState], int]:
    """Every head, and a revision that is not newer than them. Raises `DatabaseError`."""
    from apps.core.publishing.models import Head, Revision
    from apps.core.publishing.services.heads import state_of

    # The revision first: a head that moves in between is then seen again by the next poll.
    revision = Revision.objects.values_list("value", flat=True).first() or 0
    rows: Any = Head.objects.select_related("snapshot", "candidate").defer("snapshot__body", "candidate__body")
    return {(head.scope, head.key): state_of(head) for head in rows}, revision
