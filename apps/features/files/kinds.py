"""The four kinds of file: which model each stands for, and which of its fields stand where."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Model, QuerySet

from apps.features.files import schemas
from apps.features.files.canonical_yaml import ordered
from apps.features.files.pipeline_extras import extras_of as cases_of_pipeline
from apps.features.files.prompt_extras import extras_of
from apps.features.models import Feature, MenuGroup
from apps.pipelines.models import Pipeline
from apps.prompts.models import Prompt

Document = dict[str, Any]
Documents = dict[str, dict[str, Document]]  # by folder, by key


@dataclass(frozen=True)
class Kind:
    """One folder. `fields` leads from places in a document (in their order in the file) to attributes of the row."""

    folder: str
    model: type[Model]
    schema: Mapping[str, Any]
    fields: Mapping[str, str]
    relations: Mapping[str, "Kind"]  # places whose value is the key of another kind's row
    versioned: bool = True  # rows carry a revision and a history
    # Places that a file may leave out; what the draft has there stays then, and a new draft gets these.
    optional: Mapping[str, Any] = field(default_factory=dict)
    # Places that are other rows' content: how they are read, and which rows reading them needs.
    extras: Callable[[Any], Document] | None = None
    related: tuple[str, ...] = ()

    def rows(self) -> "QuerySet[Any]":
        """All rows, with what their documents need."""
        rows: QuerySet[Any] = self.model._default_manager.order_by("key")
        if self.relations:
            rows = rows.select_related(*self.relations).prefetch_related("roles")
        return rows.prefetch_related(*self.related) if self.related else rows

    def document(self, row: Any) -> Document:
        """What the row's file holds, without what is derived from other rows."""
        document: Document = {}
        for place, attribute in self.fields.items():
            _put(document, place.split("/"), _stored(self, row, place, attribute))
        return document | (self.extras(row) if self.extras else {})

    def own(self, document: Document) -> Document:
        """`document` without what is derived from other rows (`requires`), in the order of the file."""
        own: Document = {}
        document = {**self.optional, **document}
        for place in self.fields:
            path = place.split("/")
            _put(own, path, _canonical(place, _get(document, path)))
        return own | {place: ordered(document[place]) for place in self.extra_places}

    @property
    def extra_places(self) -> list[str]:
        """The optional places that are no fields of the row."""
        own = {place.split("/")[0] for place in self.fields}
        return [place for place in self.optional if place not in own]

    def completed(self, document: Document, row: Any) -> Document:
        """`document` with what it leaves out as the draft has it, or as a new draft gets it."""
        before = self.document(row) if row is not None and self.optional else {}
        return {**self.optional, **{place: before[place] for place in self.optional if place in before}, **document}

    def attributes(self, document: Document) -> dict[str, Any]:
        """The row's plain attributes as the document has them; relations and roles are the caller's."""
        linked = {*self.relations, "roles"}
        return {name: _get(document, place.split("/")) for place, name in self.fields.items() if place not in linked}


def _canonical(place: str, value: Any) -> Any:
    return sorted(value) if place == "roles" else ordered(value)


def _stored(kind: Kind, row: Any, place: str, attribute: str) -> Any:
    if place in kind.relations:
        return getattr(row, attribute).key
    if place == "roles":
        return sorted(group.name for group in row.roles.all())
    return ordered(getattr(row, attribute))


def _put(document: Document, path: list[str], value: Any) -> None:
    for name in path[:-1]:
        document = document.setdefault(name, {})
    document[path[-1]] = value


def _get(document: Document, path: list[str]) -> Any:
    found: Any = document
    for name in path:
        found = found[name]
    return found


_TITLE = {"title/en": "title", "title/zh-hans": "title_zh"}

MENUS: Final = Kind(
    "menus", MenuGroup, schemas.MENU, {"key": "key", **_TITLE, "order": "order"}, relations={}, versioned=False
)
PROMPTS: Final = Kind(
    "prompts",
    Prompt,
    schemas.PROMPT,
    {
        **{name: name for name in ("key", "name", "system", "body", "variables", "model_defaults")},
        "gate/share": "gate_share",
        "gate/p95_ms": "gate_p95_ms",
        "gate/cost_micro": "gate_cost_micro",
    },
    relations={},
    optional={
        "model_defaults": {},
        "gate": {"share": 100, "p95_ms": None, "cost_micro": None},
        "labels": {},
        "cases": [],
    },
    extras=extras_of,
    related=("labels__version", "cases"),
)
PIPELINES: Final = Kind(
    "pipelines",
    Pipeline,
    schemas.PIPELINE,
    {name: name for name in ("key", "name", "graph", "layout")},
    relations={},
    optional={"layout": {}, "cases": []},
    extras=cases_of_pipeline,
    related=("cases",),
)
FEATURES: Final = Kind(
    "features",
    Feature,
    schemas.FEATURE,
    {
        "key": "key",
        **_TITLE,
        "description/en": "description",
        "description/zh-hans": "description_zh",
        **{name: name for name in ("icon", "menu", "order", "enabled", "roles", "cost", "needs_approval", "pipeline")},
        "form/schema": "form_schema",
        "form/ui": "ui_schema",
        "output/schema": "output_schema",
        "output/ui": "output_ui",
        "table": "table",
        "degrade": "degrade",
    },
    relations={"menu": MENUS, "pipeline": PIPELINES},
)
# In the order of writing: what a row points to comes first.
KINDS: Final = (MENUS, PROMPTS, PIPELINES, FEATURES)
