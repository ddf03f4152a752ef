"""What a tool answered, as what a run goes on with: structured content, text, and files by reference."""

import base64
import binascii
from collections.abc import Awaitable
from typing import Any, Protocol

from django.utils.translation import gettext, gettext_noop

from apps.core.publishing.canonical import canonical_json
from apps.mcp.errors import AnswerInvalid, ToolFailed

MAX_TEXT = 200_000  # characters of all text blocks together
MAX_BLOCKS = 100
MAX_DEPTH = 64
NO_WORDS = gettext_noop("The tool failed and did not say why.")


class KeepFile(Protocol):
    """Takes over a file that came inside an answer: who runs a task stores it, and gives back what names it."""

    def __call__(self, content: bytes, *, mime: str, name: str) -> Awaitable[Any]: ...


async def read_result(result: Any, *, server: str, tool: str, keep: KeepFile | None = None) -> dict[str, Any]:
    """The result as an object.

    With structured content that is it; else `text` holds the text, and `structured` nothing. Files inside the answer
    stand under `files`: what `keep` made of them, or a description without their bytes. Links stay links.
    Raises `ToolFailed`, or `AnswerInvalid` for what no JSON can hold.
    """
    if result.is_error:
        raise ToolFailed(what=gettext(text_of(result)[:500] or NO_WORDS))  # known sentences in the caller's language
    told = dict(result.structured_content or {})
    text = text_of(result)
    if not told and text:
        told["text"] = text
    files = [await _file(block, tool, keep) for block in result.content[:MAX_BLOCKS] if _is_file(block)]
    if files and "files" not in told:
        told["files"] = files
    _check(told, server)
    return told


def text_of(result: Any) -> str:
    """All text of the answer."""
    found = [text for block in result.content[:MAX_BLOCKS] if isinstance(text := getattr(block, "text", None), str)]
    return "\n".join(found)[:MAX_TEXT]


def _is_file(block: Any) -> bool:
    return block.type in ("image", "audio", "resource_link") or (
        block.type == "resource" and hasattr(block.resource, "blob")
    )


async def _file(block: Any, tool: str, keep: KeepFile | None) -> Any:
    if block.type == "resource_link":
        return {"type": "link", "uri": str(block.uri), "mime": block.mime_type or "", "name": block.name}
    encoded, mime = (
        (block.data, block.mime_type) if block.type != "resource" else (block.resource.blob, block.resource.mime_type)
    )
    mime = mime or "application/octet-stream"
    if keep is None:
        return {"type": block.type, "mime": mime, "bytes": len(encoded) * 3 // 4}
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise AnswerInvalid(server=tool, what="a file that is not base64") from exc
    return await keep(content, mime=mime, name=tool)


def _check(told: dict[str, Any], server: str) -> None:
    """Raises `AnswerInvalid` for infinities, half characters and nesting without end."""
    try:
        canonical_json(told).encode()
    except (ValueError, RecursionError) as exc:
        raise AnswerInvalid(server=server, what=str(exc)[:200]) from exc
    if _depth(told) > MAX_DEPTH:
        raise AnswerInvalid(server=server, what=f"nested deeper than {MAX_DEPTH}")


def _depth(value: Any) -> int:
    """How deep `value` nests; without recursion, for it may be deep."""
    deepest, level = 0, [value]
    while level:
        deepest += 1
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return deepest
