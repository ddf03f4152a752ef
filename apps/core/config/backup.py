"""The local backup: what this installation last served, for a process that starts while the database is away.

`index.json` names each head with the hash of its payload; payloads lie beside it under their hash. Both are written
to a temporary file, synced and renamed, so that a crash leaves the old file or the new one. A file whose content does
not have its hash is not used.
"""

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

from apps.core.config.heads import HeadState
from apps.core.publishing.canonical import canonical_json

log = structlog.get_logger("core")

FORMAT = 1
MAX_FILE = 32 * 1024 * 1024
UNUSED_SECONDS = 24 * 3600  # a payload that no index named for so long is dropped
Heads = dict[tuple[str, str], HeadState]


@dataclass(frozen=True)
class Backup:
    """What the index said: heads, the revision, and when it was confirmed (seconds since the epoch)."""

    heads: Heads
    revision: int
    confirmed_at: float


def folder() -> Path:
    """Where it lies; one folder for all processes of a machine."""
    return Path(settings.CONFIG_BACKUP_DIR)


def read() -> Backup | None:
    """The index, or None when there is none that can be trusted."""
    try:
        content = _content_of(json.loads(_text_of(_index())))
        heads = {(str(scope), str(key)): HeadState.from_dict(state) for scope, key, state in content["heads"]}
        return Backup(heads, int(content["revision"]), _index().stat().st_mtime)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        log.exception("config.backup_refused")
        return None


def _content_of(document: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = document["content"]
    if content["format"] != FORMAT or document["sha256"] != _digest(canonical_json(content)):
        raise ValueError("the format or the checksum is another one")
    return content


def body_of(sha256: str) -> str | None:
    """The payload with this hash, or None."""
    try:
        body = _text_of(_address(sha256))
    except (OSError, ValueError):
        return None
    return body if _digest(body) == sha256 else None


def confirm(revision: int) -> bool:
    """Note that `revision` is still what is live; False when the index holds another one."""
    known = read()
    if known is None or known.revision != revision:
        return False
    os.utime(_index())
    return True


def write(heads: Heads, revision: int, *, body: Callable[[str, str, int], str | None]) -> bool:
    """Keep `heads` with every payload they name; False when the folder cannot be written.

    `body(scope, key, version)` is asked for payloads that are not there yet; a head whose payload it cannot give keeps
    the entry it had.
    """
    known = read()
    if known and known.revision > revision:
        return True  # another process of this machine is ahead
    try:
        (folder() / "payloads").mkdir(parents=True, exist_ok=True, mode=0o700)
        kept = {address: state for address, state in heads.items() if _all_there(*address, state, body)}
        older = {a: s for a, s in (known.heads if known else {}).items() if a in heads and a not in kept}
        _write_index({**older, **kept}, revision)
        _drop_unused(kept)
    except OSError:
        log.exception("config.backup_failed")
        return False
    return True


def _all_there(scope: str, key: str, state: HeadState, body: Callable[[str, str, int], str | None]) -> bool:
    wanted = [(state.version, state.sha256)] if state.version else []
    if state.candidate:
        wanted.append((state.candidate.version, state.candidate.sha256))
    for version, sha256 in wanted:
        if _address(sha256).exists():
            os.utime(_address(sha256))
            continue
        text = body(scope, key, version)
        if text is None or _digest(text) != sha256:
            return False
        _write_whole(_address(sha256), text)
    return True


def _write_index(heads: Heads, revision: int) -> None:
    listed = [[scope, key, state.as_dict()] for (scope, key), state in sorted(heads.items())]
    content = {"format": FORMAT, "revision": revision, "heads": listed}
    _write_whole(_index(), json.dumps({"sha256": _digest(canonical_json(content)), "content": content}))


def _drop_unused(heads: Heads) -> None:
    used = {s.sha256 for s in heads.values()} | {s.candidate.sha256 for s in heads.values() if s.candidate}
    limit = time.time() - UNUSED_SECONDS
    for path in (folder() / "payloads").iterdir():
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            if path.stem not in used and path.stat().st_mtime < limit:
                path.unlink()


def _write_whole(path: Path, text: str) -> None:
    """Write, sync, rename, sync the folder: there is never half a file under this name."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # mode 0600
    try:
        with os.fdopen(descriptor, "w") as sink:
            sink.write(text)
            sink.flush()
            os.fsync(sink.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    parent = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def _address(sha256: str) -> Path:
    if not (len(sha256) == 64 and sha256.isalnum()):
        raise ValueError("not a hash")
    return folder() / "payloads" / f"{sha256}.json"


def _index() -> Path:
    return folder() / "index.json"


def _text_of(path: Path) -> str:
    """Raises `ValueError` for a file that is larger than any of ours."""
    if path.stat().st_size > MAX_FILE:
        raise ValueError(f"{path.name} is larger than {MAX_FILE} bytes")
    return path.read_text()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
