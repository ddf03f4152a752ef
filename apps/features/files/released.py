"""What is live, as documents: read from the releases, not from the drafts."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from apps.core.publishing.registry import publishable
from apps.core.publishing.services import live_snapshot, live_versions
from apps.features.files.canonical_yaml import ordered
from apps.features.files.kinds import FEATURES, KINDS, MENUS, PIPELINES, PROMPTS, Document, Documents
from apps.features.files.problems import FileProblem, FilesRefused
from apps.features.files.reading import name_of
from apps.features.files.source import Source
from apps.features.publishing import SCOPE
from apps.prompts.reference import reference_of

Names = Callable[[str, str], str]


def released() -> Source:
    """Every live feature with its parts.

    Where two releases hold different texts of one part, the one that was made last decides, with a warning. Gradual
    releases count with their stable version.
    """
    documents: Documents = {kind.folder: {} for kind in KINDS}
    differing: list[FileProblem] = []
    names, live = _names(), _live_payloads()
    for payload in live:
        for folder, key, document in _parts(payload, names):
            known = documents[folder].get(key)
            if known is not None and known != document:
                words = _("Live features hold different texts of this; the last release, “%(key)s”, decides.")
                differing.append(_warning(folder, key, words % {"key": payload["key"]}))
            documents[folder][key] = document
    documents = {folder: dict(sorted(found.items())) for folder, found in documents.items()}
    return Source(documents, {payload["key"]: _hashes(payload) for payload in live}, differing)


def _hashes(payload: dict[str, Any]) -> dict[str, str]:
    return {address: tool["sha256"] for address, tool in payload["tools"].items()}


def _live_payloads() -> list[dict[str, Any]]:
    """Every live payload, the oldest release first. From the database alone: what is exported must be exact."""
    found = [snapshot for key in live_versions(SCOPE) if (snapshot := live_snapshot(SCOPE, key))]
    payloads, unreadable = [], []
    for snapshot in sorted(found, key=lambda snapshot: snapshot.pk):
        try:
            payloads.append(publishable(SCOPE).load(snapshot.payload))
        except ValueError as exc:
            name = name_of(FEATURES.folder, snapshot.key)
            unreadable.append(FileProblem("E_RELEASE_UNREADABLE", name, f"v{snapshot.version}: {exc}"))
    if unreadable:
        raise FilesRefused(unreadable)
    return payloads


def _names() -> Names:
    """Names are for the admin and part of no release: those of the drafts, else the key."""
    known = {kind.folder: dict(kind.model._default_manager.values_list("key", "name")) for kind in (PIPELINES, PROMPTS)}
    return lambda folder, key: known[folder].get(key, key)


def _parts(payload: dict[str, Any], names: Names) -> list[tuple[str, str, Document]]:
    menu, graph = payload["menu"], payload["pipeline"]
    pipelines = {graph["key"]: graph["graph"], **_sub_pipelines(payload)}
    return [
        (FEATURES.folder, payload["key"], _feature(payload)),
        (MENUS.folder, menu["group"], _menu(menu)),
        *((PIPELINES.folder, key, _pipeline(key, inner, names)) for key, inner in pipelines.items()),
        *((PROMPTS.folder, key, document) for key, document in _prompts(payload["prompts"], names).items()),
    ]


def _sub_pipelines(payload: dict[str, Any]) -> dict[str, Any]:
    return {key: part.get("graph", part) for key, part in payload.get("pipelines", {}).items()}


def _feature(payload: dict[str, Any]) -> Document:
    return {
        "key": payload["key"],
        "title": _words(payload["title"]),
        "description": _words(payload["description"]),
        "icon": payload["icon"],
        "menu": payload["menu"]["group"],
        "order": payload["menu"]["order"],
        "enabled": payload["enabled"],
        "roles": sorted(payload["roles"]),
        "cost": payload["cost"],
        "needs_approval": payload.get("needs_approval", False),
        "pipeline": payload["pipeline"]["key"],
        "form": {name: ordered(payload["form"][name]) for name in ("schema", "ui")},
        "output": {name: ordered(payload["output"][name]) for name in ("schema", "ui")},
        "table": ordered(payload.get("table", [])),
        "degrade": ordered(payload.get("degrade", {})),
    }


def _words(texts: dict[str, str]) -> Document:
    """A release fills an absent translation with the English text; a file leaves it empty."""
    return {"en": texts["en"], "zh-hans": "" if texts["zh-hans"] == texts["en"] else texts["zh-hans"]}


def _menu(menu: dict[str, Any]) -> Document:
    return {"key": menu["group"], "title": _words(menu["title"]), "order": menu["group_order"]}


def _pipeline(key: str, graph: Any, names: Names) -> Document:
    return {"key": key, "name": names(PIPELINES.folder, key), "graph": ordered(graph)}


def _prompts(prompts: dict[str, Any], names: Names) -> dict[str, Document]:
    """By key. The draft's text is what the release holds of it, else what it holds of a version; labels keep theirs.

    What a release does not hold (cases, other labels) stands in no file, and an import leaves it as it is.
    """
    documents: dict[str, Document] = {}
    for written, prompt in sorted(prompts.items()):  # "key" before "key@…": a draft's own text comes first
        reference, texts = reference_of(written), _content(prompt)
        document = documents.setdefault(
            reference.key, {"key": reference.key, "name": names(PROMPTS.folder, reference.key), **texts}
        )
        if reference.label:
            document.setdefault("labels", {})[reference.label] = {"note": "", **texts}
    return documents


def _content(prompt: dict[str, Any]) -> Document:
    return {name: ordered(prompt[name]) for name in ("system", "body", "variables")}


def _warning(folder: str, key: str, message: str) -> FileProblem:
    return FileProblem("E_RELEASES_DIFFER", name_of(folder, key), message, level="warning")
