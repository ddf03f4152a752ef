"""Canonical JSON: one meaning, one sequence of bytes (sorted keys, no spaces, UTF-8; after RFC 8785)."""

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> str:
    """`value` as canonical text. Raises `ValueError` for NaN and infinities."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256_of(value: Any) -> str:
    """The hex SHA-256 of the canonical text of `value`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
