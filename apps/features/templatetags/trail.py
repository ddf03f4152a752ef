"""`{{ change.path|trail:payload }}`: where a change or a problem stands, in the words of the form."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.text import capfirst

from apps.features import trail as places

register = template.Library()


@register.filter
def trail(pointer: str, payload: Any = None) -> str:
    """`pointer` as words, with the titles that `payload` has."""
    return capfirst(places.trail(pointer, payload if isinstance(payload, Mapping) else None))
