"""The first step: a draft that runs, from a template or from the plainest one there is."""

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.utils.text import slugify

from apps.features.gallery.blank import BLANK
from apps.features.gallery.importing import LONGEST, free_key, make_feature, template_of
from apps.features.models import Feature
from apps.features.services import update_draft

BLANK_CHOICE: Final = ""


@transaction.atomic
def start_feature(basics: Mapping[str, Any], *, start: str, by: Any) -> Feature:
    """A new draft with these basics, and with the form, pipeline and cases of the template `start`.

    Without a template it is the plainest feature that runs. Its key is the title in Latin letters, or the template's.
    Raises what an import does, and `ValidationError` for basics that will not do; then nothing is there.
    """
    template = template_of(start) if start else BLANK
    key = slugify(basics["title"])[: LONGEST - 4].strip("-") or template.key
    made = make_feature(template, by=by, feature_key=free_key(Feature, key))
    return update_draft(made.key, basics, expected_revision=made.revision, by=by)
