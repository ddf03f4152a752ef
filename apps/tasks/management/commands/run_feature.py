"""`manage.py run_feature <key>`: a user's run of a released feature, from a terminal."""

import asyncio
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from apps.accounts.models import User
from apps.core import aio, logging
from apps.core.config import reader
from apps.core.errors import ApiError
from apps.core.storage import services as storage
from apps.features.publishing import SCOPE
from apps.tasks.events import follow
from apps.tasks.models import Status, Task
from apps.tasks.runner import run_task
from apps.tasks.services import create_task, stored_files


class Command(BaseCommand):
    help = "Run a released feature and save its result. Exit code 0 when it succeeded, 1 otherwise."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="the feature, for example product-photo")
        parser.add_argument("--input", action="append", default=[], metavar="NAME=VALUE", help="a field of the form")
        parser.add_argument(
            "--file", action="append", default=[], metavar="NAME=PATH", help="a field that takes a file"
        )
        parser.add_argument("--out", type=Path, help="where to save the result")
        parser.add_argument("--user", default="admin", help="whose task and credits (default: admin)")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        logging.configure(fmt="console", level="ERROR")
        started = time.perf_counter()
        try:
            task = self._created(options)
            aio.run(_watched(str(task.pk), quiet=options["as_json"]))
        except ApiError as exc:
            self._fail(exc.as_dict() | {"details": exc.details}, as_json=options["as_json"])
        except OSError as exc:
            self._fail({"code": "", "message": str(exc)}, as_json=options["as_json"])
        task.refresh_from_db()
        self._report(task, options, seconds=round(time.perf_counter() - started, 2))

    def _created(self, options: dict[str, Any]) -> Task:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"there is no user {options['user']}; name one with --user")
        _version, payload = reader.get(SCOPE, options["key"])
        properties = payload["form"]["schema"].get("properties", {})
        given: dict[str, Any] = {n: _typed(v, properties.get(n, {})) for n, v in map(_pair, options["input"])}
        for name, path in map(_pair, options["file"]):
            with Path(path).open("rb") as source:
                given[name] = str(storage.accept_image(source, name=Path(path).name, owner=user).pk)
        return create_task(user, feature=options["key"], given=given)

    def _report(self, task: Task, options: dict[str, Any], *, seconds: float) -> None:
        if task.status != Status.SUCCEEDED:
            self._fail(task.error or {"code": "", "message": task.status}, as_json=options["as_json"])
        saved = _save(task, options["out"]) if options["out"] else None
        if options["as_json"]:
            self.stdout.write(json.dumps(_outcome(task, saved, seconds), ensure_ascii=False))
            return
        if saved is None:
            self.stdout.write(json.dumps(task.output, ensure_ascii=False, indent=2))
        self.stdout.write(f"{task.feature} v{task.version} in {seconds} s" + (f" -> {saved}" if saved else ""))

    def _fail(self, error: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"status": "failed", "error": error}, ensure_ascii=False))
        else:
            self.stderr.write(f"{error['code']} {error['message']}".strip())
            for field in error.get("details", {}).get("errors", []):
                self.stderr.write(f"  {field['pointer']}: {field['message']}")
        sys.exit(1)


async def _watched(task_id: str, *, quiet: bool) -> None:
    """Run the task here, unless a worker was faster, and show how it goes on."""
    work = asyncio.create_task(run_task(task_id, owner="run_feature"))
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=quiet,
    )
    with bar:
        row = bar.add_task("…", total=1.0)
        async for frame in follow(task_id, after=0):
            if frame is None:
                continue
            if frame.type == "progress":
                bar.update(row, completed=frame.data["overall"], description=frame.data["message"])
            elif frame.type == "step" and frame.data["status"] == "running":
                bar.update(row, description=frame.data["title"])
            elif frame.type == "succeeded":
                bar.update(row, completed=1.0, description="✓")
    await work


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise CommandError(f"expected NAME=VALUE, got {text}")
    return name, value


def _typed(text: str, schema: dict[str, Any]) -> Any:
    """`text` as the kind of value the form asks for; what does not fit is left to the validator."""
    if schema.get("type") in ("integer", "number", "boolean", "array", "object"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _save(task: Task, out: Path) -> str:
    """Write the first file of the output, or its first text, to `out`."""
    files, output = stored_files(task), task.output or {}
    for value in output.values():
        if isinstance(value, str) and value in files:
            with storage.opened(files[value]) as source, out.open("wb") as sink:
                shutil.copyfileobj(source, sink)
            return str(out)
    out.write_text("\n\n".join(str(value) for value in output.values()) + "\n")
    return str(out)


def _outcome(task: Task, saved: str | None, seconds: float) -> dict[str, Any]:
    return {
        "task": str(task.pk),
        "feature": task.feature,
        "version": task.version,
        "status": task.status,
        "output": task.output,
        "model_used": task.usage_model or None,
        "mock": task.mock,
        "cost": task.cost,
        "out": saved,
        "seconds": seconds,
    }
