"""Features are publishable: closure and checks for `core.publishing`."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
from django.utils.translation import gettext as _

from apps.core.errors import ApiError, NotFound
from apps.core.publishing.registry import Problem
from apps.features.closure import collect, parts_of
from apps.features.models import Feature
from apps.pipelines.graph import parse_graph
from apps.pipelines.validator import validate
from apps.prompts.templates import parse, variables_of
from apps.providers.catalogue import candidates

SCOPE = "feature"
FORM_KINDS = {"string", "integer", "number", "boolean", "array", "object"}


class FeatureKind:
    """`core.publishing.Publishable` for features."""

    scope = SCOPE

    def collect(self, key: str) -> dict[str, Any]:
        """Raises `NotFound`."""
        feature = Feature.objects.select_related("menu", "pipeline").filter(key=key).first()
        if feature is None:
            raise NotFound()
        return collect(feature)

    def check(self, key: str, payload: dict[str, Any], live: dict[str, Any] | None) -> list[Problem]:
        """Every problem, each with the place to mend it."""
        return [
            problem for rule in (_price, _schemas, _pipeline, _outputs, _prompts, _routes) for problem in rule(payload)
        ]

    def load(self, payload: dict[str, Any]) -> dict[str, Any]:
        return payload


def _price(payload: dict[str, Any]) -> Iterator[Problem]:
    if payload["cost"] is None:
        yield Problem("E_PRICE_MISSING", "/cost", _("Set the price; 0 credits is a price, nothing is not."))


def _schemas(payload: dict[str, Any]) -> Iterator[Problem]:
    for part, words in (("form", _("form")), ("output", _("output"))):
        schema, path = payload[part]["schema"], f"/{part}/schema"
        if not _is_object_schema(schema):
            text = _("The %(part)s must be a JSON Schema of type object with properties.") % {"part": words}
            yield Problem("E_SCHEMA_SHAPE", path, text)
            continue
        try:
            jsonschema_rs.Draft202012Validator(schema)
        except (ValueError, jsonschema_rs.ReferencingError) as exc:
            yield Problem("E_SCHEMA_INVALID", path, str(exc)[:300])
        if not _is_translatable(schema):
            yield Problem("E_TRANSLATION", path, _("x-i18n holds one object of texts for each language."))


def _is_translatable(value: Any) -> bool:
    """Whether every `x-i18n` in `value` can be laid over its neighbours."""
    if isinstance(value, list):
        return all(map(_is_translatable, value))
    if not isinstance(value, dict):
        return True
    overlays = value.get("x-i18n", {})
    sound = isinstance(overlays, dict) and all(isinstance(texts, dict) for texts in overlays.values())
    return sound and all(map(_is_translatable, value.values()))


def _is_object_schema(schema: Any) -> bool:
    fields = schema.get("properties") if isinstance(schema, dict) else None
    return bool(fields) and isinstance(fields, dict) and schema.get("type") == "object"


def _pipeline(payload: dict[str, Any]) -> Iterator[Problem]:
    for problem in validate(payload["pipeline"]["graph"], parts_of(payload)):
        path = f"/pipeline/{problem.node}/{problem.field}".rstrip("/")
        yield Problem(problem.code, path, problem.message)


def _outputs(payload: dict[str, Any]) -> Iterator[Problem]:
    """What the output promises, the end node has to deliver."""
    try:
        ends = parse_graph(payload["pipeline"]["graph"]).of_type("end")
    except ValueError:
        return
    schema = payload["output"]["schema"]
    for name in schema["properties"] if _is_object_schema(schema) else ():
        if ends and name not in ends[0].inputs:
            words = _("The pipeline's end delivers no “%(name)s”.") % {"name": name}
            yield Problem("E_OUTPUT_UNCOVERED", f"/output/schema/properties/{name}", words)


def _prompts(payload: dict[str, Any]) -> Iterator[Problem]:
    for key, prompt in payload["prompts"].items():
        declared = {variable["name"] for variable in _declared(prompt)}
        if not isinstance(prompt["variables"], list) or len(_declared(prompt)) != len(prompt["variables"]):
            words = _("Variables are a list of objects with a name each.")
            yield Problem("E_VARIABLES_SHAPE", f"/prompts/{key}/variables", words)
        for field in ("system", "body"):
            try:
                parse(prompt[field])
                used = {path[0] for path in variables_of(prompt[field])}
            except ApiError as exc:
                yield Problem("E_TEMPLATE", f"/prompts/{key}/{field}", exc.text())
                continue
            for name in sorted(used - declared):
                words = _("The prompt uses “%(name)s”, which is not among its variables.") % {"name": name}
                yield Problem("E_VARIABLE_UNDECLARED", f"/prompts/{key}/{field}", words)
    yield from _unbound(payload)


def _declared(prompt: dict[str, Any]) -> list[dict[str, Any]]:
    """The prompt's variables, as far as they have the right shape."""
    variables = prompt["variables"] if isinstance(prompt["variables"], list) else []
    return [v for v in variables if isinstance(v, dict) and isinstance(v.get("name"), str)]


def _unbound(payload: dict[str, Any]) -> Iterator[Problem]:
    try:
        nodes = parse_graph(payload["pipeline"]["graph"]).of_type("prompt")
    except ValueError:
        return
    for node in nodes:
        prompt = payload["prompts"].get(str(node.config.get("prompt")), {"variables": []})
        for variable in _declared(prompt):
            bound = variable["name"] in node.inputs or "default" in variable
            if variable.get("required", True) and not bound:
                words = _("The prompt needs “%(name)s”, and the node gives it nothing.") % {"name": variable["name"]}
                yield Problem("E_VARIABLE_UNBOUND", f"/pipeline/{node.id}/inputs", words)


def _routes(payload: dict[str, Any]) -> Iterator[Problem]:
    for capability in payload["routes"]:
        try:
            candidates(capability)
        except ApiError as exc:
            yield Problem("E_NO_ROUTE", "/routes", exc.text())
            return
    yield from _models(payload)


def _models(payload: dict[str, Any]) -> Iterator[Problem]:
    """A node that names its model needs an endpoint that offers it."""
    try:
        nodes = parse_graph(payload["pipeline"]["graph"]).of_type("llm_chat")
    except ValueError:
        return
    for node in nodes:
        if model := str(node.config.get("model", "")):
            try:
                candidates(str(node.config.get("capability", "chat")), model=model)
            except ApiError as exc:
                yield Problem("E_NO_ROUTE", f"/pipeline/{node.id}/config.model", exc.text())
