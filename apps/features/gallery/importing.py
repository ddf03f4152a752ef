"""Make a feature of a template: prompts, pipeline, cases and the feature itself, as drafts, in one transaction."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.db import transaction
from django.db.models import Model

from apps.core.permissions import allows
from apps.features.errors import HeadingMissing, TemplateUnknown
from apps.features.gallery import Template, templates
from apps.features.models import Feature, MenuGroup, key_validator
from apps.features.services import create_draft
from apps.pipelines import services as pipelines
from apps.pipelines.models import Pipeline
from apps.prompts import services as prompts
from apps.prompts.models import Prompt

LONGEST: Final = 64  # characters of a key


def template_of(key: str) -> Template:
    """The template. Raises `TemplateUnknown`."""
    try:
        return templates()[key]
    except KeyError as exc:
        raise TemplateUnknown(key=key) from exc


def import_template(key: str, *, by: Any, feature_key: str = "") -> Feature:
    """As `make_feature`, of the template `key`. Raises `TemplateUnknown`, too."""
    return make_feature(template_of(key), by=by, feature_key=feature_key)


@transaction.atomic
def make_feature(template: Template, *, by: Any, feature_key: str = "") -> Feature:
    """A new draft of a feature with everything that `template` holds. Nothing is live, nothing is overwritten.

    Keys that are taken get a number behind them; a `feature_key` that is asked for is taken as it is. A heading that is
    missing is made if `by` may, else the first there is serves.
    Raises `HeadingMissing`, `KeyTaken`, `ValidationError` for a `feature_key` that is none.
    Concurrency: of two imports at once that choose one key, the second is refused as a whole.
    """
    if feature_key:
        key_validator(feature_key)
    menu = _heading(template, by)
    renamed = {prompt["key"]: _import_prompt(prompt, by) for prompt in template.prompts}
    pipeline = _import_pipeline(template, renamed, feature_key or template.key, by)
    _import_cases(template, pipeline, by)
    return create_draft(feature_key or free_key(Feature, template.key), _fields(template, menu, pipeline), by=by)


def free_key(model: type[Model], wanted: str) -> str:
    """`wanted`, or with the first number behind it that nobody has."""
    taken = set(model._default_manager.filter(key__startswith=wanted[: LONGEST - 4]).values_list("key", flat=True))
    return next(key for key in _numbered(wanted) if key not in taken)


def _numbered(wanted: str) -> Iterable[str]:
    yield wanted[:LONGEST]
    for number in range(2, 1000):
        yield f"{wanted[: LONGEST - 4]}-{number}"


def _heading(template: Template, by: Any) -> MenuGroup:
    there = MenuGroup.objects.filter(key=template.menu["key"]).first()
    if there is None and (by is None or allows(by, "menus:create")):
        return MenuGroup.objects.create(**template.menu)
    if chosen := there or MenuGroup.objects.first():
        return chosen
    raise HeadingMissing()


def _import_prompt(prompt: Mapping[str, Any], by: Any) -> str:
    """The key under which it is there now."""
    fields = {name: value for name, value in prompt.items() if name != "key"}
    return prompts.create_prompt(free_key(Prompt, prompt["key"]), fields, by=by).key


def _import_pipeline(template: Template, renamed: Mapping[str, str], wanted: str, by: Any) -> Pipeline:
    nodes = [_with_prompt(node, renamed) for node in template.graph["nodes"]]
    fields = {"name": template.title["en"], "graph": {**template.graph, "nodes": nodes}, "layout": template.layout}
    return pipelines.create_pipeline(free_key(Pipeline, wanted), fields, by=by)


def _with_prompt(node: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    """`node` under the name that its prompt got."""
    config = node.get("config", {})
    return {**node, "config": {**config, "prompt": renamed[config["prompt"]]}} if "prompt" in config else dict(node)


def _import_cases(template: Template, pipeline: Pipeline, by: Any) -> None:
    for case in template.cases:
        pipelines.create_case(pipeline.key, dict(case), by=by)


def _fields(template: Template, menu: MenuGroup, pipeline: Pipeline) -> dict[str, Any]:
    return {
        "title": template.title["en"],
        "title_zh": template.title["zh-hans"],
        "description": template.description["en"],
        "description_zh": template.description["zh-hans"],
        "icon": template.icon,
        "menu": menu,
        "cost": template.cost,
        "form_schema": template.form,
        "ui_schema": template.ui,
        "output_schema": template.output,
        "output_ui": template.output_ui,
        "pipeline": pipeline,
    }
