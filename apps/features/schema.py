"""The shape of a feature's payload by version: old ones are brought up when they are read, and judged fit to run.

Stored bytes are never changed. `docs/payload.md` tells the fields and how to add a version.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

from django.utils import translation
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from apps.features.fitness import first_reason, unfit
from apps.pipelines.graph import parse_graph
from apps.pipelines.parts import models_named, schema_hash
from apps.pipelines.shape import first_version
from apps.providers.degrade import policy_of

SCHEMA_VERSION: Final = 3

Payload = dict[str, Any]
Words = dict[str, str]


class Menu(TypedDict):
    group: str
    title: Words
    group_order: int
    order: int


class Face(TypedDict):
    """A form or an output: what it is, and how it looks."""

    schema: dict[str, Any]
    ui: Any


class MainPipeline(TypedDict):
    key: str
    graph: dict[str, Any]


class SubPipeline(TypedDict):
    graph: dict[str, Any]


class ReleasedPrompt(TypedDict):
    system: str
    body: str
    variables: list[dict[str, Any]]


class ReleasedTool(TypedDict):
    description: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    sha256: str
    schema_sha256: str


class ReleasedFeature(TypedDict):
    """Version 3. Keys that are not named here are kept and mean nothing."""

    __pydantic_config__ = ConfigDict(strict=True, extra="allow")  # type: ignore[misc]  # pydantic's own way of saying so

    schema: Literal[3]
    key: str
    title: Words
    description: Words
    icon: str
    enabled: bool
    menu: Menu
    roles: list[str]
    cost: Annotated[int, Field(ge=0)]
    form: Face
    output: Face
    table: list[str]
    degrade: dict[str, Any]
    needs_approval: bool
    pipeline: MainPipeline
    pipelines: dict[str, SubPipeline]
    prompts: dict[str, ReleasedPrompt]
    tools: dict[str, ReleasedTool]
    routes: list[str]
    models: list[str]


_shape = TypeAdapter(ReleasedFeature)


def load(payload: Any) -> Payload:
    """`payload` as this code reads it: brought up to `SCHEMA_VERSION`, and fit to run. The given one stays as it is.

    Raises `ValueError` with the reason. Meant to run once per payload and process: it parses what a run parses, and
    the parsers keep what they parsed.
    """
    current = _upgraded(payload)
    for path, judge in (("", _shape.validate_python), ("/degrade", lambda whole: policy_of(whole["degrade"]))):
        try:
            judge(current)
        except ValidationError as exc:
            raise ValueError(path + first_reason(exc)) from exc
    try:
        with translation.override("en"):  # the reason goes to logs and alarms, whoever reads the payload first
            reason = next(unfit(current), None)
    except RecursionError as exc:
        raise ValueError("the payload is nested too deeply") from exc
    if reason is not None:
        raise ValueError(reason)
    return current


def _upgraded(payload: Any) -> Payload:
    """One step after the other, each by the function of the version it starts from."""
    current = payload
    while (version := _version_of(current)) < SCHEMA_VERSION:
        try:
            current = UPGRADES[version](current)
        except (KeyError, TypeError, AttributeError, ValueError) as exc:
            reason = f"the payload cannot be brought up from schema {version}: {type(exc).__name__}: {exc}"
            raise ValueError(reason) from exc
    return dict(current)


def _version_of(payload: Any) -> int:
    version = payload.get("schema") if isinstance(payload, Mapping) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ValueError("the payload is no object with a schema version")
    if version > SCHEMA_VERSION:
        raise ValueError(f"the payload has schema {version}; this Paiban reads up to {SCHEMA_VERSION}")
    return version


def _from_1(old: Payload) -> Payload:
    """Version 1 knew no sub-pipelines, named models or options of the release, and less of tools."""
    tools = {
        address: {
            **tool,
            "description": "",
            "schema_sha256": schema_hash(tool["input_schema"], tool["output_schema"]),
        }
        for address, tool in old["tools"].items()
    }
    added = {"table": [], "degrade": {}, "needs_approval": False, "pipelines": {}}
    models = models_named([parse_graph(first_version(old["pipeline"]["graph"]))])
    return {**old, **added, "schema": 2, "tools": tools, "models": models}


def _from_2(old: Payload) -> Payload:
    """Version 2 held graphs of the first version: the same, and what nobody knew in them meant nothing."""
    main = {**old["pipeline"], "graph": first_version(old["pipeline"]["graph"])}
    below = {key: {**sub, "graph": first_version(sub["graph"])} for key, sub in old["pipelines"].items()}
    return {**old, "schema": 3, "pipeline": main, "pipelines": below}


UPGRADES: Final[Mapping[int, Callable[[Payload], Payload]]] = {1: _from_1, 2: _from_2}
