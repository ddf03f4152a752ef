"""Which features use a part: read from the drafts' rows and from what is live, in a constant number of queries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.urls import reverse

from apps.core.config import NotReleased, reader
from apps.core.config.payloads import SnapshotRefused
from apps.core.publishing.canonical import canonical_json
from apps.core.publishing.models import Head
from apps.core.publishing.usage import Kind, Use
from apps.features.models import Feature, MenuGroup
from apps.features.publishing import SCOPE
from apps.features.states import Draft, Released, State, with_sub_pipelines
from apps.mcp.models import Tool
from apps.pipelines.graph import Graph, readable_graph
from apps.pipelines.models import Pipeline
from apps.pipelines.parts import prompts_named
from apps.prompts.models import Prompt
from apps.prompts.reach import all_reached, with_included
from apps.prompts.reference import key_of, reference_of
from apps.prompts.texts import Text, pinned_texts
from apps.providers.catalogue import collect
from apps.providers.routes import models_of


@dataclass(frozen=True)
class Entry:
    """One feature in all its states; a draft may be gone while its release is live, and the other way round."""

    key: str
    draft: Draft | None = None
    live: Released | None = None
    candidate: Released | None = None

    @property
    def reaching(self) -> list[State]:
        """Its states, first those that reach people."""
        return [state for state in (self.live, self.candidate, self.draft) if state]


class FeatureFinder:
    """`core.publishing.usage.Finder` for features."""

    permission = "features.view_feature"
    publish_permission = "features.publish_feature"

    def find(self, kind: Kind) -> Mapping[str, list[Use]]:
        return Survey().uses(kind)


class Survey:
    """All features and the parts they may use, each table read once and only when asked for."""

    def __init__(self) -> None:
        self._held: dict[tuple[State, Kind], frozenset[str]] = {}
        self._models: dict[str, frozenset[str]] = {}  # who can answer a route

    def uses(self, kind: Kind) -> dict[str, list[Use]]:
        """The uses of every part of `kind`, in the order of the menu."""
        found: defaultdict[str, list[Use]] = defaultdict(list)
        for entry in self.entries:
            for key in sorted(frozenset().union(*(self._keys(state, kind) for state in entry.reaching))):
                found[key].append(self._use(entry, kind, key))
        return dict(found)

    @cached_property
    def entries(self) -> list[Entry]:
        """Drafts in the order of the menu, then releases without a draft."""
        drafts = {feature.key: self._draft(feature) for feature in self._features}
        live, candidates = self._released
        keys = [*drafts, *sorted({*live, *candidates} - set(drafts))]
        return [Entry(key, drafts.get(key), live.get(key), candidates.get(key)) for key in keys]

    # --- rows -----------------------------------------------------------------------------------

    @cached_property
    def _features(self) -> list[Feature]:
        rows = Feature.objects.select_related("menu", "pipeline").prefetch_related("roles")
        return list(rows.defer("pipeline__graph"))  # the graphs come with the pipelines, each once

    @cached_property
    def pipelines(self) -> dict[str, Pipeline]:
        return {pipeline.key: pipeline for pipeline in Pipeline.objects.all()}

    @cached_property
    def _graphs(self) -> dict[str, Graph]:
        return {key: readable_graph(pipeline.graph) for key, pipeline in self.pipelines.items()}

    @cached_property
    def prompts(self) -> dict[str, Prompt]:
        return {prompt.key: prompt for prompt in Prompt.objects.all()}

    @cached_property
    def _texts(self) -> dict[str, Any]:
        """Every draft, and of versions those that some draft names; what is pinned costs two queries for each level."""
        named = {name for graph in self._graphs.values() for name in prompts_named(graph)}
        return {**self.prompts, **all_reached(named, self._look_up)}

    def _look_up(self, references: Iterable[str]) -> dict[str, Text]:
        wanted = set(references)
        known: dict[str, Text] = {name: self.prompts[name] for name in wanted if name in self.prompts}
        return known | pinned_texts(ref for ref in map(reference_of, wanted) if ref.is_pinned)

    @cached_property
    def _tools(self) -> dict[str, Tool]:
        return {tool.address: tool for tool in Tool.objects.select_related("server")}

    @cached_property
    def _menus(self) -> dict[str, MenuGroup]:
        return {menu.key: menu for menu in MenuGroup.objects.all()}

    @cached_property
    def _catalogue(self) -> dict[str, Any]:
        return collect()

    @cached_property
    def _released(self) -> tuple[dict[str, Released], dict[str, Released]]:
        """What is live and what is on its way: the versions from the table, the payloads from memory."""
        live: dict[str, Released] = {}
        candidates: dict[str, Released] = {}
        for key, stable, candidate in released_versions():
            for version, found in ((stable, live), (candidate, candidates)):
                if version:
                    _keep(found, key, version)
        return live, candidates

    def _draft(self, feature: Feature) -> Draft:
        return Draft(
            feature,
            reached=lambda key: with_sub_pipelines(key, self._graphs),
            included=lambda names: with_included(names, self._texts),
        )

    # --- uses -----------------------------------------------------------------------------------

    def _keys(self, state: State, kind: Kind) -> frozenset[str]:
        if (state, kind) not in self._held:
            self._held[state, kind] = self._named(state, kind)
        return self._held[state, kind]

    def _named(self, state: State, kind: Kind) -> frozenset[str]:
        if kind not in ("endpoint", "model"):
            return state.keys(kind)
        return frozenset().union(*(self._answering(route, kind) for route in state.keys("route")))

    def _answering(self, route: str, kind: Kind) -> frozenset[str]:
        if route not in self._models:
            self._models[route] = models_of(self._catalogue, route)
        models = self._models[route]
        return models if kind == "model" else frozenset(model.partition("/")[0] for model in models)

    def _use(self, entry: Entry, kind: Kind, key: str) -> Use:
        def version_of(state: Released | None) -> int | None:
            return state.version if state and key in self._keys(state, kind) else None

        live, candidate = version_of(entry.live), version_of(entry.candidate)
        return Use(
            **presented(entry, next(state for state in entry.reaching if key in self._keys(state, kind))),
            draft=bool(entry.draft and key in self._keys(entry.draft, kind)),
            live=live,
            candidate=candidate,
            current=not (live and entry.live) or self._is_current(entry.live, kind, key),
            only_route=kind in ("endpoint", "model") and any(self._depends(s, kind, key) for s in entry.reaching),
        )

    def _depends(self, state: State, kind: Kind, key: str) -> bool:
        """Whether one of its routes has nobody else to answer it."""
        return any(self._answering(route, kind) == {key} for route in state.keys("route"))

    def _is_current(self, live: Released, kind: Kind, key: str) -> bool:
        """Whether the release holds the part as it is now. What takes effect on save is always as it is now."""
        if kind == "server":
            addresses = [address for address in live.tools if address.partition("/")[0] == key]
            return all(self._is_current(live, "tool", address) for address in addresses)
        if kind == "prompt":
            held = [name for name in live.payload["prompts"] if key_of(name) == key]
            return all(self._is_current(live, "prompt_reference", name) for name in held)
        compare = {
            "prompt_reference": self._prompt,
            "pipeline": self._pipeline,
            "tool": self._tool,
            "menu": self._menu,
        }.get(kind)
        return compare is None or _same(*compare(live.payload, key))

    def _prompt(self, payload: Mapping[str, Any], name: str) -> tuple[Any, Any]:
        now = self._text(name)
        return {field: payload["prompts"][name].get(field) for field in now}, now

    def _text(self, name: str) -> dict[str, Any]:
        """What the reference stands for today."""
        text = self._texts.get(name) or self._released_texts.get(name)
        return text.as_released() if text else {"gone": True}

    @cached_property
    def _released_texts(self) -> Mapping[str, Text]:
        """The versions that only what is live names."""
        live, _candidates = self._released
        named = {name for state in live.values() for name in state.prompts}
        return self._look_up(named - self._texts.keys())

    def _pipeline(self, payload: Mapping[str, Any], key: str) -> tuple[Any, Any]:
        top = payload["pipeline"]
        held = top["graph"] if top["key"] == key else payload["pipelines"][key]["graph"]
        return held, self.pipelines[key].graph if key in self.pipelines else None

    def _tool(self, payload: Mapping[str, Any], key: str) -> tuple[Any, Any]:
        held, tool = payload["tools"].get(key), self._tools.get(key)
        return held and held["sha256"], tool and tool.sha256

    def _menu(self, payload: Mapping[str, Any], key: str) -> tuple[Any, Any]:
        held, menu = payload["menu"], self._menus.get(key)
        now = menu and ({"en": menu.title, "zh-hans": menu.title_zh or menu.title}, menu.order)
        return (held["title"], held["group_order"]), now


def live_uses(keys: Set[str]) -> list[Use]:
    """Those of the features `keys` that are released, to everybody or to some."""
    released = {key: (version, candidate) for key, version, candidate in released_versions() if version or candidate}
    return [
        Use(
            **presented(entry, entry.reaching[0]),
            draft=bool(entry.draft),
            live=released[entry.key][0] or None,
            candidate=released[entry.key][1],
        )
        for entry in Survey().entries
        if entry.key in keys & set(released)
    ]


def released_versions() -> list[tuple[str, int, int | None]]:
    """Key, live version (0: nothing) and candidate's version (None: no gradual release) of every released feature.

    From the table, not from memory: a refusal must know what was committed a moment ago.
    """
    return list(Head.objects.filter(scope=SCOPE).values_list("key", "version", "candidate__version"))


def presented(entry: Entry, state: State) -> dict[str, Any]:
    """How a use names its feature, and whom that reaches in `state`."""
    draft = entry.draft
    pages = {"url": "change", "publish_url": "release"} if draft else {}
    return {
        "kind": SCOPE,
        "key": entry.key,
        "title": (draft or state).title,
        "menu": state.menu_title,
        "roles": tuple(sorted(state.page_roles)),
    } | {
        name: reverse(f"admin:features_feature_{page}", args=[draft.feature.pk])
        for name, page in pages.items()
        if draft
    }


def _keep(found: dict[str, Released], key: str, version: int) -> None:
    try:
        found[key] = Released(version, reader.version(SCOPE, key, version))
    except SnapshotRefused:
        # Damaged, or from a newer product: the last good version is what people get.
        if served := reader.all(SCOPE).get(key):
            found[key] = Released(*served)
    except NotReleased:
        return


def _same(held: Any, now: Any) -> bool:
    return canonical_json(held) == canonical_json(now)  # in Python 1 == True == 1.0
