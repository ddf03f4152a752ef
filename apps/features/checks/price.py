"""A run has a price."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from apps.core.publishing.registry import Problem


def price_known(payload: dict[str, Any]) -> Iterator[Problem]:
    """A missing price never means zero."""
    if payload["cost"] is None:
        yield Problem("E_PRICE_MISSING", "/cost", _("Set the price; 0 credits is a price, nothing is not."))
