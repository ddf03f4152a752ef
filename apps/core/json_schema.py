"""Compiled JSON Schema validators (2020-12), kept by the schema's canonical text."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs

from apps.core.publishing.canonical import canonical_json


def validator(schema: Mapping[str, Any]) -> Any:
    """The validator of `schema`, compiled once. Raises `ValueError` when it is no valid schema."""
    return _compiled(canonical_json(schema))


@lru_cache(maxsize=512)
def _compiled(schema: str) -> Any:
    return jsonschema_rs.Draft202012Validator(schema)
