"""Refuse what would take a text away from those who name it."""

from collections.abc import Iterable

from apps.core.publishing.usage import distinct, uses_of_kind
from apps.prompts.errors import VersionInUse


def refuse_named(references: Iterable[str]) -> None:
    """Raises `VersionInUse` when something names one of `references`, as they are written there.

    Concurrency: call it in the transaction that changes them, with releases held.
    """
    found = uses_of_kind("prompt_reference")
    if uses := distinct(use for reference in references for use in found.get(reference, [])):
        raise VersionInUse(uses)
