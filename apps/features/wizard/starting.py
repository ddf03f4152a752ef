"""The first step: a draft that runs, from a template or from the plainest one there is."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from django.db import transaction
from django.utils.text import slugify

from apps.features.gallery.blank import BLANK
from apps.features.gallery.importing import LONGEST, free_key, make_feature, template_of
from apps.features.gallery.template import Template
from apps.features.models import Feature
from apps.features.services import update_draft

BLANK_CHOICE: Final = ""


@transaction.atomic
def start_feature(basics: Mapping[str, Any], *, start: str, by: Any) -> Feature:
    """A new draft with these basics, and with the form, pipeline and cases of the template `start`.

    Without a template it is the plainest feature that runs. Its key is the title in Latin letters, or the template's;
    its pipeline, and the prompt of the plainest, are called as it is, so that they are found under its name.
    Raises what an import does, and `ValidationError` for basics that will not do; then nothing is there.
    """
    template = template_of(start) if start else BLANK
    key = slugify(basics["title"])[: LONGEST - 4].strip("-") or template.key
    free = free_key(Feature, key)
    made = make_feature(_called(template, free, basics["title"]), by=by, feature_key=free)
    return update_draft(made.key, basics, expected_revision=made.revision, by=by)


def _called(template: Template, key: str, title: str) -> Template:
    """The template under the feature's own title."""
    named = replace(template, title={**template.title, "en": title})
    if template is not BLANK:
        return named
    prompts = tuple({**prompt, "key": key, "name": title} for prompt in template.prompts)
    return replace(named, prompts=prompts, graph=_asking(template.graph, key))


def _asking(graph: Mapping[str, Any], prompt: str) -> dict[str, Any]:
    """The graph with `prompt` in the place of the prompt that it asks with."""
    nodes = [{**one, "config": {"prompt": prompt}} if one["type"] == "prompt" else one for one in graph["nodes"]]
    return {**graph, "nodes": nodes}
