"""Prompts with versions, labels and cases, made by the services."""

from typing import Any

from apps.prompts.models import Prompt, PromptCase
from apps.prompts.services import create_case, create_prompt, draft, move_label, save_version, update_prompt

NAME = {"name": "name", "type": "string", "required": True}


def make_greeting(key: str = "greeting", **fields: Any) -> Prompt:
    given = {"name": "Greeting", "body": "Greet {{ name }}.", "variables": [NAME]}
    return create_prompt(key, {**given, **fields}, by=None)


def change(key: str, **fields: Any) -> Prompt:
    """The draft with other fields, at its next revision."""
    return update_prompt(key, fields, expected_revision=draft(key).revision, by=None)


def make_versions(key: str = "greeting", *bodies: str) -> Prompt:
    """A prompt whose versions 1, 2, … hold `bodies`; the draft holds the last."""
    make_greeting(key, body=bodies[0])
    save_version(key, note="v1", by=None)
    for number, body in enumerate(bodies[1:], start=2):
        change(key, body=body)
        save_version(key, note=f"v{number}", by=None)
    return draft(key)


def make_label(key: str, name: str, to: int) -> None:
    move_label(key, name, to=to, by=None)


def make_case(key: str = "greeting", **fields: Any) -> PromptCase:
    given = {"name": "Mia", "values": {"name": "Mia"}, "checks": [{"type": "contains", "value": "Mia"}]}
    return create_case(key, {**given, **fields}, by=None)
