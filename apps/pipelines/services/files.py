"""The files that pins and cases need: they are not dropped while one of them names them."""

from collections.abc import Collection

from apps.core.storage.naming import named_files
from apps.pipelines.models import PipelineCase, PipelinePin


def held_files(ids: Collection[str]) -> set[str]:
    """Those of the files `ids` that a pin or a case of any pipeline names. Reads one row at a time."""
    wanted, held = set(ids), set()
    pins = PipelinePin.objects.values_list("files", "output").iterator()
    cases = PipelineCase.objects.values_list("input", "mocks").iterator()
    for rows in (pins, cases):
        for row in rows:
            held |= named_files(list(row)) & wanted
    return held
