"""Who is touched when a feature is published: for the page where that is decided."""

from collections.abc import Iterable
from dataclasses import dataclass

from apps.core.publishing.usage import Kind, Use, distinct
from apps.features.states import State
from apps.features.usage import Entry, Survey, presented

SHARED: tuple[Kind, ...] = ("pipeline", "prompt")


@dataclass(frozen=True)
class Audience:
    """Whom a state of a feature reaches. No roles: everybody who signs in."""

    menu: str
    roles: tuple[str, ...]
    shown: bool


@dataclass(frozen=True)
class Blast:
    """What a release of the draft does to people, and what it leaves alone.

    `before` is whom the live version reaches, None at a first release. `sharing` are the other features that use the
    same pipeline or prompts: each keeps what it was published with.
    """

    live: int | None
    candidate: int | None
    before: Audience | None
    after: Audience
    sharing: list[Use]

    @property
    def moves(self) -> bool:
        """Whether it reaches other people, or under another heading, than what is live."""
        return self.before is not None and self.before != self.after

    @property
    def loses(self) -> tuple[str, ...]:
        """The roles that see what is live and would no longer."""
        if self.before is None or not self.after.roles:
            return ()
        return tuple(role for role in self.before.roles if role not in self.after.roles)

    @property
    def closes(self) -> bool:
        """Whether everybody sees what is live, and only some roles would see the draft."""
        return self.before is not None and not self.before.roles and bool(self.after.roles)


def blast(key: str) -> Blast | None:
    """Who is touched by a release of the draft `key`; None when there is no such draft."""
    survey = Survey()
    entry = next((entry for entry in survey.entries if entry.key == key), None)
    if entry is None or entry.draft is None:
        return None
    feature = entry.draft.feature
    return Blast(
        live=entry.live.version if entry.live else None,
        candidate=entry.candidate.version if entry.candidate else None,
        before=_audience(entry, entry.live, shown=bool(entry.live.payload["enabled"])) if entry.live else None,
        after=_audience(Entry(key, draft=entry.draft), entry.draft, shown=feature.enabled),
        sharing=_sharing(survey, entry),
    )


def _audience(shown_as: Entry, state: State, *, shown: bool) -> Audience:
    menu = presented(shown_as)["menu"]
    return Audience(menu, tuple(sorted(state.page_roles)), shown)


def _sharing(survey: Survey, entry: Entry) -> list[Use]:
    """Others with a part of the draft, in their drafts or in what is live of them."""
    assert entry.draft is not None  # noqa: S101 - asked for drafts only
    found: list[Use] = []
    for kind in SHARED:
        uses = survey.uses(kind)
        found += _others(entry.key, (use for part in entry.draft.keys(kind) for use in uses.get(part, [])))
    return distinct(found)


def _others(key: str, uses: Iterable[Use]) -> list[Use]:
    return [use for use in uses if use.key != key]
