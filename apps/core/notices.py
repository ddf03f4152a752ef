"""Notices that stand on every page of the admin while something about the installation is unusual."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Notice:
    """A sentence or two for staff."""

    title: str | Promise
    words: str | Promise


Source = Callable[[HttpRequest], Notice | None]
_sources: list[Source] = []


def register(source: Source) -> None:
    """Ask `source` on every page; apps do this in `AppConfig.ready()`. It answers None when all is well."""
    if source not in _sources:
        _sources.append(source)


def notices(request: HttpRequest) -> list[Notice]:
    """What has to be said now."""
    return [notice for source in _sources if (notice := source(request)) is not None]


def policy_mode(request: HttpRequest) -> Notice | None:
    """Nobody should forget that refusals are only logged."""
    if settings.POLICY_MODE != "log":
        return None
    return Notice(
        _("Rights are not enforced."),
        _(
            "Staff may do what their roles do not allow, except to people, roles, credits and keys; each case is "
            "logged. Set PAIBAN_POLICY_MODE to enforce to end this."
        ),
    )
