"""Template filters of the CMS screens."""

import json
from typing import Any

from django import template

register = template.Library()


@register.filter
def as_text(value: Any) -> str:
    """A released value for a person: plain text as it is, the rest as indented JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


@register.filter
def as_trail(pointer: str) -> str:
    """A JSON pointer as words: `/form/schema` reads `form › schema`."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.strip("/").split("/")]
    return " › ".join(parts)
