"""The built front end, as Vite's manifest names it. File names carry hashes, so pages ask here."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static

BOOT_ENTRY = "src/boot.ts"
"""Sets theme and language before the first paint: a classic script, loaded in the head."""

Manifest = dict[str, dict[str, Any]]


class FrontEndNotBuilt(ImproperlyConfigured):
    def __init__(self) -> None:
        super().__init__("The front end is not built: run `make frontend`")


@dataclass(frozen=True)
class Assets:
    """Addresses for one page: `boot` blocks in the head, `preloads` and `scripts` are modules."""

    scripts: list[str]
    styles: list[str]
    preloads: list[str]
    boot: list[str]


def entry_assets(entry: str) -> Assets:
    """What a page must load for `entry`, such as `src/storefront.tsx`.

    *Raises* `FrontEndNotBuilt` when there is no build, or none that holds `entry`.
    """
    manifest = _manifest()
    chunks = list(_closure(manifest, entry))
    return Assets(
        scripts=[_address(chunks[0]["file"])],
        styles=[_address(name) for chunk in chunks for name in chunk.get("css", [])],
        preloads=[_address(chunk["file"]) for chunk in chunks[1:]],
        boot=[_address(manifest[BOOT_ENTRY]["file"])] if BOOT_ENTRY in manifest else [],
    )


def _closure(manifest: Manifest, entry: str) -> Iterator[dict[str, Any]]:
    """The entry's chunk, then each chunk it imports at once; lazily loaded ones are the browser's."""
    if entry not in manifest:
        raise FrontEndNotBuilt
    seen, waiting = {entry}, [entry]
    while waiting:
        chunk = manifest[waiting.pop(0)]
        yield chunk
        fresh = [name for name in chunk.get("imports", []) if name not in seen]
        seen.update(fresh)
        waiting.extend(fresh)


def _manifest() -> Manifest:
    path = Path(settings.BASE_DIR) / "static" / "build" / "manifest.json"
    try:
        return _read(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        raise FrontEndNotBuilt from None


@lru_cache(maxsize=1)
def _read(path: Path, modified: int) -> Manifest:
    """`modified` is only there to be part of the cache's key: a new build is read without a restart."""
    manifest: Manifest = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def _address(name: str) -> str:
    return static(f"build/{name}")
