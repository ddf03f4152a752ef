"""What the result promises, the pipeline delivers."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from apps.core.publishing.registry import Problem
from apps.features.checks.fields import is_object_schema
from apps.pipelines.graph import readable_graph


def delivered(payload: dict[str, Any]) -> Iterator[Problem]:
    """The end node has an input for each field of the result."""
    ends = readable_graph(payload["pipeline"]["graph"]).of_type("end")
    schema = payload["output"]["schema"]
    if not ends or not is_object_schema(schema):
        return
    for name in schema["properties"]:
        if name not in ends[0].inputs:
            words = _("The pipeline's end delivers no “%(name)s”.") % {"name": name}
            yield Problem("E_OUTPUT_UNCOVERED", f"/output/schema/properties/{name}", words)
