"""Local tool servers of an installation: programs with fixed arguments, named by whoever deploys it and nobody else."""

import json
import re
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

NAME = "PAIBAN_MCP_STDIO"
MOST = 100
LARGEST = 256 * 1024  # bytes
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_FLAGS = ("work_dir", "repeatable")


def stdio_servers(given: str) -> dict[str, dict[str, Any]]:
    """The entries in `given`, a JSON object or the path of a file with one; none for an empty text.

    `{"git": {"command": ["/usr/bin/mcp-server-git", "--repository", "/srv/docs"]}}`; `repeatable` says that a second
    call of its tools does no harm, `work_dir` that it is told the work directory as `--root`. Raises
    `ImproperlyConfigured` for anything else: a server that silently is not there helps nobody.
    """
    if not given.strip():
        return {}
    try:
        found = json.loads(given if given.lstrip().startswith("{") else _read(Path(given.strip())))
    except (OSError, ValueError, RecursionError) as exc:
        raise _refused(f"neither a JSON object nor the path of a file with one: {exc}") from exc
    if not isinstance(found, dict) or len(found) > MOST:
        raise _refused(f"it has to be an object of {MOST} servers at most")
    return {name: _entry(name, entry) for name, entry in found.items()}


def _read(path: Path) -> str:
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} has more than {LARGEST} bytes")
    return path.read_text(encoding="utf-8")


def _entry(name: str, entry: Any) -> dict[str, Any]:
    if not _ID.fullmatch(name):
        raise _refused(f"“{name}” is no id: lower-case letters, digits and hyphens")
    if name == "image-tools":
        raise _refused("“image-tools” is the built-in server")
    if not isinstance(entry, dict) or set(entry) - {"command", *_FLAGS}:
        raise _refused(f"“{name}” has to be an object of command, {', '.join(_FLAGS)}")
    if not _is_command(entry.get("command")):
        raise _refused(f"the command of “{name}” has to be a list of texts that begins with an absolute path")
    if not all(isinstance(entry.get(flag, False), bool) for flag in _FLAGS):
        raise _refused(f"{' and '.join(_FLAGS)} of “{name}” have to be true or false")
    return dict(entry)


def _is_command(given: Any) -> bool:
    if not isinstance(given, list) or not given:
        return False
    return all(isinstance(word, str) and "\0" not in word for word in given) and Path(given[0]).is_absolute()


def _refused(what: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{NAME}: {what}.")
