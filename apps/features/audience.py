"""Who sees a released feature, and in which words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from apps.core.config import NOBODY, NotReleased, Person, reader
from apps.core.errors import DependencyDown
from apps.features.grants import EVERY, KEY, SCOPE, index_of

Payload = Mapping[str, Any]


@dataclass(frozen=True)
class Audience:
    """One person, as far as a visibility rule looks. `granted`: features that are open to them whatever their roles."""

    roles: frozenset[str] = frozenset()
    user_id: str = ""
    granted: frozenset[str] = frozenset()

    @property
    def signed_in(self) -> bool:
        return bool(self.user_id)

    @property
    def shared(self) -> "Audience":
        """The same without the name: what everybody who sees the same features has in common, for caches."""
        return replace(self, user_id="")


VISITOR: Final = Audience()


def audience_of(person: Person) -> Audience:
    """`person` with what was granted to them, from released configuration: no query once it is in memory."""
    if not person.signed_in:
        return VISITOR
    try:
        version, payload = reader.get(SCOPE, KEY)
    except (NotReleased, DependencyDown):  # closed rather than open
        return Audience(person.roles, person.id)
    return Audience(person.roles, person.id, index_of(version, payload).granted_to(person))


async def aaudience_of(person: Person = NOBODY) -> Audience:
    """`audience_of` for async callers: a thread is used only when memory cannot answer."""
    if person.signed_in:
        await reader.aall(SCOPE)
    return audience_of(person)


def is_visible(payload: Payload, who: Audience | frozenset[str]) -> bool:
    """Whether `who` (the roles alone will do, none for an anonymous visitor) sees it in the menu."""
    audience = who if isinstance(who, Audience) else Audience(who)
    if not payload["enabled"]:
        return False
    return not payload["roles"] or bool(audience.roles & set(payload["roles"])) or is_granted(payload, audience)


def is_granted(payload: Payload, who: Audience) -> bool:
    """Whether `who` was given this feature, or every one, by name."""
    return bool(who.granted) and (payload["key"] in who.granted or EVERY in who.granted)


def may_run(payload: Payload, who: Audience | frozenset[str], *, signed_in: bool | None = None) -> bool:
    """Whether `who` may start it; `signed_in` has to be said where only the roles are given."""
    if signed_in is None:
        signed_in = isinstance(who, Audience) and who.signed_in
    return signed_in and is_visible(payload, who)


def translated(value: Any, language: str) -> Any:
    """`value` with every `x-i18n` overlay of `language` laid over its neighbours and then removed.

    `{"title": "Size", "x-i18n": {"zh-hans": {"title": "尺寸"}}}` reads `{"title": "尺寸"}` in Chinese.
    """
    if isinstance(value, dict):
        languages = value.get("x-i18n")
        overlay = languages.get(language) if isinstance(languages, dict) else None
        overlay = overlay if isinstance(overlay, dict) else {}
        return {k: translated(v, language) for k, v in {**value, **overlay}.items() if k != "x-i18n"}
    if isinstance(value, list):
        return [translated(item, language) for item in value]
    return value


def words(texts: Mapping[str, str], language: str) -> str:
    """The text in `language`, or in English."""
    return texts.get(language) or texts.get("en", "")
