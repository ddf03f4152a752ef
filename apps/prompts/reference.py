"""How others name a prompt: `key` is its draft, `key@3` a version, `key@production` whatever has that label."""

import re
from typing import Final, NamedTuple

# A key is a slug, and so has no "@"; a label begins with a letter, and so is no number.
_SHAPE: Final = re.compile(
    r"(?P<key>[-a-zA-Z0-9_]+)(?:@(?:(?P<number>[1-9][0-9]{0,8})|(?P<label>[a-z][a-z0-9_-]{0,39})))?\Z"
)


class Reference(NamedTuple):
    """One name as it was written, taken apart. Neither number nor label: the draft."""

    key: str
    number: int | None = None
    label: str = ""

    @property
    def is_pinned(self) -> bool:
        return self.number is not None or bool(self.label)

    def __str__(self) -> str:
        at = self.number if self.number is not None else self.label
        return f"{self.key}@{at}" if self.is_pinned else self.key


def reference_of(written: str) -> Reference:
    """`written` taken apart. What has no such shape is a key that no prompt has."""
    found = _SHAPE.match(written)
    if found is None:
        return Reference(written)
    return Reference(found["key"], int(found["number"]) if found["number"] else None, found["label"] or "")


def key_of(written: str) -> str:
    """The key of the prompt that `written` names."""
    return reference_of(written).key
