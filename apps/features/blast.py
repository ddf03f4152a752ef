"""Who is touched when a feature is published: for the page where that is decided."""

from dataclasses import dataclass

from apps.core.publishing.usage import Kind, Use, distinct
from apps.features.states import Draft, State
from apps.features.usage import Survey

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
    return Blast(
        live=entry.live.version if entry.live else None,
        before=_audience(entry.live) if entry.live else None,
        after=_audience(entry.draft),
        sharing=_sharing(survey, entry.key, entry.draft),
    )


def _audience(state: State) -> Audience:
    return Audience(state.menu_title, tuple(sorted(state.page_roles)), state.shown)


def _sharing(survey: Survey, key: str, draft: Draft) -> list[Use]:
    """Others with a part of the draft, in their drafts or in what is live of them."""
    found: list[Use] = []
    for kind in SHARED:
        uses = survey.uses(kind)
        found += (use for part in sorted(draft.keys(kind)) for use in uses.get(part, []))
    return [use for use in distinct(found) if use.key != key]
