"""What front ends render: built from released payloads alone."""

from collections.abc import Mapping
from typing import Any

from apps.features.audience import Audience, is_visible, may_run, translated, words

Roles = Audience | frozenset[str]
Released = Mapping[str, tuple[int, Mapping[str, Any]]]


def menus(released: Released, *, roles: Roles, signed_in: bool, language: str) -> list[dict[str, Any]]:
    """Menu groups with their visible features, in order."""
    groups: dict[str, dict[str, Any]] = {}
    for key, (_version, payload) in released.items():
        if not is_visible(payload, roles):
            continue
        menu = payload["menu"]
        group = groups.setdefault(
            menu["group"],
            {
                "key": menu["group"],
                "title": words(menu["title"], language),
                "order": menu["group_order"],
                "items": [],
            },
        )
        group["items"].append(
            {
                "feature": key,
                "title": words(payload["title"], language),
                "description": words(payload["description"], language),
                "icon": payload["icon"],
                "route": f"/f/{key}",
                "order": menu["order"],
                "permissions": {"run": may_run(payload, roles, signed_in=signed_in)},
            }
        )
    for group in groups.values():
        group["items"].sort(key=lambda item: (item["order"], item["feature"]))
    return sorted(groups.values(), key=lambda group: (group["order"], group["key"]))


def features(released: Released, *, roles: Roles, language: str) -> list[dict[str, Any]]:
    """The visible features, for dynamic routes."""
    return [
        {
            **summary(key, version, payload, language),
            "menu": payload["menu"]["group"],
            "route": f"/f/{key}",
            "pipeline": payload["pipeline"]["key"],
            "prompts": sorted(payload["prompts"]),
        }
        for key, (version, payload) in released.items()
        if is_visible(payload, roles)
    ]


def summary(key: str, version: int, payload: Mapping[str, Any], language: str) -> dict[str, Any]:
    """The feature in a few fields."""
    return {
        "key": key,
        "version": version,
        "title": words(payload["title"], language),
        "description": words(payload["description"], language),
        "icon": payload["icon"],
        "cost": payload["cost"],
    }


def form(payload: Mapping[str, Any], language: str) -> dict[str, Any]:
    """The form of a payload, in `language`."""
    return {
        "schema": translated(payload["form"]["schema"], language),
        "uiSchema": translated(payload["form"]["ui"], language),
    }


def output(payload: Mapping[str, Any], language: str) -> dict[str, Any]:
    """The output description of a payload, in `language`."""
    return {
        "schema": translated(payload["output"]["schema"], language),
        "uiSchema": translated(payload["output"]["ui"], language),
    }
