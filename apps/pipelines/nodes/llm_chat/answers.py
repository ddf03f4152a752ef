"""Answers that have to have a form: how they are asked for, read and complained about."""

import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from django.utils.translation import gettext

from apps.core.form_input import field_errors
from apps.pipelines.nodes.errors import AnswerUnfit
from apps.pipelines.nodes.values import DEEPEST, MOST, weight
from apps.providers.types import Message, message

MAX_TOLD: Final = 20  # mistakes


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What asks a model for JSON of `schema`."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(schema)}}


def read(text: str, schema: Mapping[str, Any]) -> Any:
    """The JSON of an answer, also where the model put it into a fenced block. Raises `AnswerUnfit`."""
    try:
        found = msgspec.json.decode(_unfenced(text))
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as exc:
        raise _unfit([{"pointer": "", "code": "json", "message": gettext("This is no JSON.")}]) from exc
    if weight(found) > MOST:
        words = gettext("This is too large, or nested deeper than %(most)s.") % {"most": DEEPEST}
        raise _unfit([{"pointer": "", "code": "size", "message": words}])
    if errors := field_errors(schema, found):
        raise _unfit(errors)
    return found


def complaint(text: str, error: AnswerUnfit) -> list[Message]:
    """What the model is told so that it tries again: its own answer, and what does not fit."""
    found = [f"- {one['pointer'] or '/'}: {one['message']}" for one in error.details["errors"]]
    words = "Your answer does not fit the JSON Schema:\n" + "\n".join(found) + "\nAnswer again, with the JSON alone."
    return [message("assistant", text), message("user", words)]


def _unfenced(text: str) -> str:
    bare = text.strip()
    if bare.startswith("```") and bare.endswith("```"):
        bare = bare[3:-3].partition("\n")[2] or bare[3:-3]
    return bare.strip()


def _unfit(errors: list[dict[str, str]]) -> AnswerUnfit:
    what = f"{errors[0]['pointer'] or '/'}: {errors[0]['message']}"
    return AnswerUnfit(what=what[:300], details={"errors": errors[:MAX_TOLD]})


def as_text(value: Any) -> str:
    """JSON as a model reads it."""
    return json.dumps(value, ensure_ascii=False)
