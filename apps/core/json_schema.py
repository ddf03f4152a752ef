"""Compiled JSON Schema validators (2020-12), kept by the schema's canonical text."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs

from apps.core.publishing.canonical import canonical_json


def validator(schema: Mapping[str, Any]) -> Any:
    """The validator of `schema`, compiled once. Raises `ValueError` when it is no valid schema."""
    return _compiled(canonical_json(schema))


def invalid_because(schema: Mapping[str, Any]) -> str:
    """Why `schema` is no valid JSON Schema, or nothing."""
    try:
        validator(schema)
    except (ValueError, jsonschema_rs.ReferencingError) as exc:
        return str(exc)[:300] or type(exc).__name__
    return ""


def nowhere(uri: str) -> Any:
    """What a `$ref` to another document gets: the library would fetch `http:` and `file:` addresses by itself."""
    raise ValueError("references to other documents are not followed")


@lru_cache(maxsize=512)
def _compiled(schema: str) -> Any:
    return jsonschema_rs.Draft202012Validator(schema, retriever=nowhere)
