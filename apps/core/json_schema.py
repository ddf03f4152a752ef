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
    found = fault_of(schema)
    return found[1] if found else ""


def fault_of(schema: Mapping[str, Any]) -> tuple[str, str] | None:
    """Where in `schema` (a JSON pointer, empty at the top) it is no valid JSON Schema, and why in one line."""
    try:
        validator(schema)
    except jsonschema_rs.ValidationError as exc:
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in exc.instance_path)
        return "".join(f"/{step}" for step in steps), exc.message[:300]
    except (ValueError, jsonschema_rs.ReferencingError) as exc:
        return "", str(exc)[:300] or type(exc).__name__
    return None


def nowhere(uri: str) -> Any:
    """What a `$ref` to another document gets: the library would fetch `http:` and `file:` addresses by itself."""
    raise ValueError("references to other documents are not followed")


@lru_cache(maxsize=512)
def _compiled(schema: str) -> Any:
    return jsonschema_rs.Draft202012Validator(schema, retriever=nowhere)
