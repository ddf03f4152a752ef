"""What `/api/v1/ui/*` answers, as types: the bytes, `docs/ui-schema.json` and the OpenAPI document all follow them.

Fields may be added; none is renamed, and none changes its type, without a new number in `VERSION`.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

VERSION = 1
ID = f"urn:paiban:ui-schema:{VERSION}"
COMPONENTS = "#/components/schemas/{name}"
DEFINITIONS = "#/$defs/{name}"

Count = Annotated[int, Meta(ge=0)]
Text = str
Json = dict[str, Any]


class UiPermissions(Struct):
    """What the reader may do with a feature."""

    run: bool


class UiMenuItem(Struct):
    """A feature as an entry of the menu."""

    feature: str
    title: Text
    description: Text
    icon: Annotated[str, Meta(description="A name, for the front end to draw")]
    route: Annotated[str, Meta(description="A suggestion for the front end's router")]
    order: int
    permissions: UiPermissions


class UiMenuGroup(Struct):
    """A heading of the menu with its entries, in order."""

    key: str
    title: Text
    order: int
    items: list[UiMenuItem]


class UiPreview(Struct):
    """There only when a preview link was used: which feature is shown as its draft, and until when the link works."""

    feature: str
    expires_at: Annotated[str, Meta(description="RFC 3339")]


class UiSummary(Struct, kw_only=True):
    """A feature in a few fields."""

    key: str
    version: Annotated[int, Meta(ge=0, description="0 for a draft")]
    title: Text
    description: Text
    icon: str
    cost: Annotated[int | UnsetType, Meta(description="Credits a run; absent in a draft without a price")] = UNSET


class UiDegrade(Struct):
    """Whether the feature works with less than usual at the moment, and what to say of it."""

    degraded: bool
    notice: Text | UnsetType = UNSET


class UiFeature(UiSummary, kw_only=True):
    """An entry of the registry, for routes made at run time."""

    menu: str
    route: str
    form: Annotated[str, Meta(description="Where to read its form")]
    pipeline: str
    prompts: list[str]
    routes: Annotated[list[str], Meta(description="The capabilities of models that a run asks for")]
    permissions: UiPermissions
    degrade: UiDegrade


class UiForm(Struct):
    """A JSON Schema (2020-12) with the uiSchema of its fields, in the reader's language."""

    schema: Json
    ui_schema: Json = msgspec.field(name="uiSchema")


class UiColumn(Struct, kw_only=True):
    """A column of a list of runs."""

    key: Annotated[str, Meta(description="The field of the task's input or output")]
    title: Text
    type: Literal["string", "integer", "number", "boolean", "array", "object"]
    where: Literal["input", "output"]
    format: Annotated[str | UnsetType, Meta(description="The field's own format, such as `file`")] = UNSET


class UiTable(Struct):
    """How to list the runs of a feature."""

    columns: list[UiColumn]


class UiFeatureForms(Struct):
    """The form and the result of one feature."""

    feature: UiSummary
    form: UiForm
    output: UiForm


class UiMenus(Struct, kw_only=True):
    """`GET /api/v1/ui/menus`"""

    revision: Count
    groups: list[UiMenuGroup]
    preview: UiPreview | UnsetType = UNSET


class UiFeatures(Struct, kw_only=True):
    """`GET /api/v1/ui/features`"""

    revision: Count
    items: list[UiFeature]
    preview: UiPreview | UnsetType = UNSET


class UiFeatureSchema(Struct, kw_only=True):
    """`GET /api/v1/ui/schema?feature=KEY`"""

    revision: Count
    feature: UiSummary
    form: UiForm
    output: UiForm
    table: UiTable
    permissions: UiPermissions
    preview: UiPreview | UnsetType = UNSET


class UiSchema(Struct, kw_only=True):
    """`GET /api/v1/ui/schema`: everything at once, by the key of the feature."""

    revision: Count
    menus: list[UiMenuGroup]
    forms: dict[str, UiFeatureForms]
    tables: dict[str, UiTable]
    permissions: dict[str, UiPermissions]
    preview: UiPreview | UnsetType = UNSET


Answer = UiMenus | UiFeatures | UiFeatureSchema | UiSchema
WHOLE: tuple[type[Struct], ...] = (UiMenus, UiFeatures, UiFeatureSchema, UiSchema)


def components(template: str) -> dict[str, Any]:
    """The JSON Schema of every type here, by name; `template` says how they refer to each other."""
    _roots, found = msgspec.json.schema_components(WHOLE, ref_template=template)
    return dict(sorted(found.items()))


def document() -> str:
    """`docs/ui-schema.json`: an answer fits one of these."""
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "Answers of /api/v1/ui",
        "description": "Generated from the code. Fields may be added: ignore those you do not know.",
        "version": VERSION,
        "anyOf": [{"$ref": DEFINITIONS.format(name=one.__name__)} for one in WHOLE],
        "$defs": components(DEFINITIONS),
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode()
