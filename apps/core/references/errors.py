"""`docs/errors.md` and `docs/error-codes.json`: every code a caller can meet."""

import importlib
import json
from pathlib import Path

from django.apps import apps
from django.utils import translation

from apps.core.errors import CATALOGUE, ApiError
from apps.core.references import notice, table

INTRODUCTION = """
Every failed request is answered in one shape; the `error` of a failed task is the same without `details`:

```json
{"code": "TASKS_2002", "reason": "E_INPUT_INVALID", "message": "Some fields need your attention.",
 "requestId": "…", "retryable": false, "details": {"errors": [{"pointer": "/size", "code": "maximum", "message": "…"}]}}
```

`code` and `reason` are stable; `message` is in the language of the request and may change. A code ends in 2xxx when
the caller can mend it, in 5xxx when the fault is ours or an upstream's. `retryable` says whether the same request may
succeed later. `%(name)s` stands for a value that is filled in. The same list for programs:
[error-codes.json](error-codes.json).
"""


def page() -> str:
    """The catalogue for people, by area."""
    errors = catalogue()
    parts = ["# Error codes", notice("apps.core.errors.CATALOGUE"), INTRODUCTION.strip()]
    for area in sorted({error.code.partition("_")[0] for error in errors}):
        mine = [error for error in errors if error.code.startswith(f"{area}_")]
        parts += [f"## {area}", _table(mine)]
    return "\n\n".join(parts)


def document() -> str:
    """The catalogue for programs."""
    entries = [
        {
            "code": error.code,
            "reason": error.reason,
            "status": error.status,
            "retryable": error.retryable,
            "message": _messages(error),
        }
        for error in catalogue()
    ]
    return json.dumps(entries, ensure_ascii=False, indent=2)


def catalogue() -> list[type[ApiError]]:
    """Every error of ours in the order of its code, also of modules nobody has loaded yet."""
    for config in apps.get_app_configs():
        if config.name.startswith("apps."):
            _load_errors(config.name, Path(config.path))
    ours = (error for error in CATALOGUE.values() if error.__module__.startswith("apps."))
    return sorted(ours, key=lambda error: error.code)


def _load_errors(package: str, folder: Path) -> None:
    for file in sorted(folder.rglob("*.py")):
        if "ApiError)" in file.read_text("utf-8"):
            inner = file.relative_to(folder).with_suffix("").parts
            importlib.import_module(".".join([package, *(part for part in inner if part != "__init__")]))


def _messages(error: type[ApiError]) -> dict[str, str]:
    """The words by language; Chinese only when it is translated."""
    words = {}
    for language in ("en", "zh-hans"):
        with translation.override(language):
            words[language] = str(error.message)
    return words if words["zh-hans"] != words["en"] else {"en": words["en"]}


def _table(errors: list[type[ApiError]]) -> str:
    rows = []
    for error in errors:
        words = "<br>".join(_messages(error).values())
        rows.append(
            (f"`{error.code}`", f"`{error.reason}`", str(error.status), "yes" if error.retryable else "", words)
        )
    return table(("Code", "Reason", "HTTP", "Retryable", "Message"), rows)
