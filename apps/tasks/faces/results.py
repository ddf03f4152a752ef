"""What a run made, for protocols that speak in text and links."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from apps.core.storage.links import mint
from apps.core.storage.models import StoredFile
from apps.features import feed
from apps.tasks.faces.runs import Run
from apps.tasks.models import StepRun, Task
from apps.tasks.services import stored_files


@dataclass(frozen=True, slots=True)
class FileLink:
    """A file of the result, with a link that lapses after `FILE_LINK_SECONDS`."""

    field: str
    name: str
    mime: str
    size: int
    url: str

    @property
    def markdown(self) -> str:
        """The link; a picture shows itself."""
        mark = "!" if self.mime.startswith("image/") else ""
        return f"{mark}[{self.name}]({self.url})"


@dataclass(frozen=True, slots=True)
class Result:
    """The fields that the person may see, as text and as files."""

    output: Mapping[str, Any]
    files: tuple[FileLink, ...]
    text: str


def result_of(run: Run, output: Mapping[str, Any]) -> Result:
    """The result of a run that ended with `output`, as its last event tells it. Blocks."""
    task = Task.objects.get(pk=run.task.pk)
    stored = stored_files(task)
    files = tuple(_link(name, stored[value]) for name, value in output.items() if _names(value, stored))
    return Result(output, files, _text(run, output, files))


def _names(value: Any, stored: Mapping[str, StoredFile]) -> bool:
    return isinstance(value, str) and value in stored


def _link(field: str, stored: StoredFile) -> FileLink:
    url = mint(stored)
    absolute = f"{settings.BASE_URL.rstrip('/')}{url}" if url.startswith("/") else url
    return FileLink(field, stored.name, stored.mime, stored.size, absolute)


def _text(run: Run, output: Mapping[str, Any], files: tuple[FileLink, ...]) -> str:
    """A lone text as it is; several fields each under its title; files as links."""
    links = {file.field: file.markdown for file in files}
    form = feed.output(run.payload, run.language, run.user.role_names)
    names = in_order(form.schema, form.ui_schema, output)
    said = [name for name in names if name not in links and output[name] not in (None, "")]
    paragraphs = [_spoken(output[name]) for name in said]
    if len(said) > 1:
        titles = [_title(form.schema, name) for name in said]
        paragraphs = [f"**{title}**\n\n{words}" for title, words in zip(titles, paragraphs, strict=True)]
    return "\n\n".join([*paragraphs, *(links[name] for name in names if name in links)])


def in_order(schema: Mapping[str, Any], ui: Any, names: Mapping[str, Any]) -> list[str]:
    """`names` as the form shows them: by `ui:order`, then by name, for the database keeps no order of its own."""
    order = ui.get("ui:order") if isinstance(ui, Mapping) else None
    wanted = [name for name in order if name in names] if isinstance(order, list) else []
    return [*dict.fromkeys(wanted), *sorted(name for name in names if name not in wanted)]


def _title(schema: Mapping[str, Any], name: str) -> str:
    field = schema.get("properties", {}).get(name)
    return str(field.get("title") or name) if isinstance(field, Mapping) else name


def _spoken(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Counted:
    """Tokens of all steps."""

    input: int = 0
    output: int = 0
    cached: int = 0


def counted(run: Run) -> Counted:
    """What the run's models read and wrote. Blocks."""
    usages = list(StepRun.objects.filter(task=run.task).values_list("usage", flat=True))
    sums = (sum(_count(usage, f"{what}_tokens") for usage in usages) for what in ("input", "output", "cached"))
    return Counted(*sums)


def _count(usage: Any, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) else 0
