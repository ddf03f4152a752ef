"""Who sees a released feature, and in which words."""

from collections.abc import Mapping
from typing import Any

Payload = Mapping[str, Any]


def is_visible(payload: Payload, roles: frozenset[str]) -> bool:
    """Whether somebody with `roles` (none for an anonymous visitor) sees it in the menu."""
    return bool(payload["enabled"]) and (not payload["roles"] or bool(roles & set(payload["roles"])))


def may_run(payload: Payload, roles: frozenset[str], *, signed_in: bool) -> bool:
    """Whether somebody may start it."""
    return signed_in and is_visible(payload, roles)


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
