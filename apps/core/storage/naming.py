"""Which files a value names: every text in it that may be a file's id."""

import uuid
from collections.abc import Mapping
from typing import Any


def named_files(value: Any) -> set[str]:
    """Every text in `value` that may be a file's id."""
    if isinstance(value, Mapping):
        return {name for inner in value.values() for name in named_files(inner)}
    if isinstance(value, list):
        return {name for inner in value for name in named_files(inner)}
    return {value} if isinstance(value, str) and is_id(value) else set()


def is_id(text: str) -> bool:
    """Whether `text` is an id as the product writes them."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
