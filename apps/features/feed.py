"""What front ends render: built from payloads alone, for one viewer."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from msgspec import UNSET

from apps.features.answers import (
    UiDegrade,
    UiFeature,
    UiFeatureForms,
    UiForm,
    UiMenuGroup,
    UiMenuItem,
    UiPermissions,
    UiSummary,
    UiTable,
)
from apps.features.audience import Audience, is_visible, may_run, translated, words
from apps.features.fields import visible_schema, visible_ui
from apps.features.tables import table

Payload = Mapping[str, Any]
Released = Mapping[str, tuple[int, Payload]]


class Viewer(NamedTuple):
    """Who reads. `draft` is the key of the feature that is shown as its draft: seen, and not to be run."""

    roles: frozenset[str] = frozenset()
    signed_in: bool = False
    language: str = "en"
    draft: str = ""
    granted: frozenset[str] = frozenset()  # features that are open to the viewer whatever the roles

    @property
    def audience(self) -> Audience:
        """The viewer as the visibility rule looks."""
        return Audience(roles=self.roles, granted=self.granted)

    def sees(self, payload: Payload) -> bool:
        """Whether the feature is for the viewer at all."""
        return is_visible(payload, self.audience)

    def may_run(self, key: str, payload: Payload) -> UiPermissions:
        """What the viewer may do with the feature."""
        return UiPermissions(key != self.draft and may_run(payload, self.audience, signed_in=self.signed_in))


def visible(released: Released, viewer: Viewer) -> Released:
    """The features that the viewer sees."""
    return {key: entry for key, entry in released.items() if viewer.sees(entry[1])}


def menus(released: Released, viewer: Viewer) -> list[UiMenuGroup]:
    """Menu groups with their visible features, in order."""
    groups: dict[str, UiMenuGroup] = {}
    for key, (_version, payload) in visible(released, viewer).items():
        menu = payload["menu"]
        title = words(menu["title"], viewer.language)
        group = groups.setdefault(menu["group"], UiMenuGroup(menu["group"], title, menu["group_order"], []))
        group.items.append(_item(key, payload, viewer))
    for group in groups.values():
        group.items.sort(key=lambda item: (item.order, item.feature))
    return sorted(groups.values(), key=lambda group: (group.order, group.key))


def _item(key: str, payload: Payload, viewer: Viewer) -> UiMenuItem:
    return UiMenuItem(
        feature=key,
        title=words(payload["title"], viewer.language),
        description=words(payload["description"], viewer.language),
        icon=payload["icon"],
        route=_route(key),
        order=payload["menu"]["order"],
        permissions=viewer.may_run(key, payload),
    )


def _route(key: str) -> str:
    return f"/f/{quote(key, safe='')}"


def features(released: Released, viewer: Viewer) -> list[UiFeature]:
    """The visible features, for dynamic routes."""
    return [_feature(key, *entry, viewer) for key, entry in visible(released, viewer).items()]


def _feature(key: str, version: int, payload: Payload, viewer: Viewer) -> UiFeature:
    return UiFeature(
        **_summary(key, version, payload, viewer),
        menu=payload["menu"]["group"],
        route=_route(key),
        form=f"/api/v1/ui/schema?feature={quote(key, safe='')}",
        pipeline=payload["pipeline"]["key"],
        prompts=sorted(payload["prompts"]),
        routes=[name for name in payload.get("routes", ()) if isinstance(name, str)],
        permissions=viewer.may_run(key, payload),
        degrade=degrade(payload, viewer.language),
    )


def degrade(payload: Payload, language: str) -> UiDegrade:
    """What the public may know of the degrade policy: the words, not what stands in for what."""
    policy = payload.get("degrade")
    notice = policy.get("notice") if isinstance(policy, Mapping) else None
    text = words(notice, language) if isinstance(notice, Mapping) else notice
    return UiDegrade(degraded=False, notice=text if isinstance(text, str) and text else UNSET)


def summary(key: str, version: int, payload: Payload, viewer: Viewer) -> UiSummary:
    """The feature in a few fields."""
    return UiSummary(**_summary(key, version, payload, viewer))


def _summary(key: str, version: int, payload: Payload, viewer: Viewer) -> dict[str, Any]:
    return {
        "key": key,
        "version": version,
        "title": words(payload["title"], viewer.language),
        "description": words(payload["description"], viewer.language),
        "icon": payload["icon"],
        "cost": UNSET if payload["cost"] is None else payload["cost"],
    }


def forms(key: str, version: int, payload: Payload, viewer: Viewer) -> UiFeatureForms:
    """The feature with its form and its result."""
    return UiFeatureForms(
        summary(key, version, payload, viewer),
        form(payload, viewer.language, viewer.roles),
        output(payload, viewer.language, viewer.roles),
    )


def columns(payload: Payload, shown: UiFeatureForms) -> UiTable:
    """How to list the feature's runs, of what the viewer is shown."""
    return table(payload.get("table"), shown.form, shown.output)


def form(payload: Payload, language: str, roles: frozenset[str]) -> UiForm:
    """The form of a payload in `language`, as somebody with `roles` sees it."""
    return _form(payload["form"], language, roles)


def output(payload: Payload, language: str, roles: frozenset[str]) -> UiForm:
    """The output description of a payload in `language`, as somebody with `roles` sees it."""
    return _form(payload["output"], language, roles)


def _form(part: Payload, language: str, roles: frozenset[str]) -> UiForm:
    # Translated first: the words of a language may bring fields of their own.
    schema, ui = translated(part["schema"], language), translated(part["ui"], language)
    return UiForm(_object(visible_schema(schema, roles)), _object(visible_ui(ui, schema, roles)))


def _object(value: Any) -> dict[str, Any]:
    """`value`, or nothing: a draft may hold any JSON."""
    return dict(value) if isinstance(value, Mapping) else {}
