"""What others saved of a draft since somebody looked at it, told from its history."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from apps.core.publishing.diff import Change, diff
from apps.features.models import Feature
from apps.features.trail import trail

PLAIN = (
    "title",
    "title_zh",
    "description",
    "description_zh",
    "icon",
    "order",
    "enabled",
    "cost",
    "form_schema",
    "ui_schema",
    "output_schema",
    "output_ui",
    "table",
    "degrade",
    "needs_approval",
)
SHOWN = 60  # characters of a value in a sentence; longer ones are named without their content
SENTENCES = 12


@dataclass(frozen=True)
class Edit:
    """What one person saved at one time."""

    by: str
    at: datetime
    revision: int
    changes: list[Change]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        changes = [change.as_dict() for change in self.changes]
        return {"by": self.by, "at": self.at.isoformat(), "revision": self.revision, "changes": changes}


@dataclass(frozen=True)
class Meanwhile:
    """The way from the draft that somebody saw to the draft of now; empty when the history does not reach back."""

    changes: list[Change]
    edits: list[Edit]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, for the details of a refusal; empty when nothing is known."""
        if not self.edits:
            return {}
        return {
            "changes": [change.as_dict() for change in self.changes],
            "edits": [edit.as_dict() for edit in self.edits],
        }

    def sentences(self) -> list[str]:
        """The same for a person, newest first: “Olga changed the title from “A” to “B” 2 minutes ago.”"""
        told = [_sentence(edit, change) for edit in reversed(self.edits) for change in edit.changes]
        return told[:SENTENCES]


def meanwhile(key: str, seen: int) -> Meanwhile:
    """What was saved of the draft `key` after its revision `seen`."""
    states = _states(key, seen)
    if len(states) < 2 or states[0][0].revision != seen:
        return Meanwhile([], [])
    edits = []
    for (_before, old), (row, new) in pairwise(states):
        if changes := diff(old, new):
            edits.append(Edit(_name(row.history_user), row.history_date, row.revision, changes))
    return Meanwhile(diff(states[0][1], states[-1][1]), edits)


def _states(key: str, seen: int) -> list[tuple[Any, dict[str, Any]]]:
    """The last row of the history of each revision from `seen` on, with the draft it holds, oldest first."""
    history: Any = Feature.history
    rows = history.filter(key=key, revision__gte=seen).select_related("history_user").order_by("history_id")
    # A save writes a row for the fields and, after it, one for the roles: the last one holds both.
    latest = {row.revision: row for row in rows}
    return [(row, _content(row)) for _revision, row in sorted(latest.items())]


def _content(row: Any) -> dict[str, Any]:
    """A row of the history as the API shows a draft."""
    roles = row.roles.select_related("group").all()
    return {
        **{name: getattr(row, name) for name in PLAIN},
        "menu": _key_of(Feature.menu.field.related_model, row.menu_id),
        "pipeline": _key_of(Feature.pipeline.field.related_model, row.pipeline_id),
        "roles": sorted(role.group.name for role in roles),
    }


def _key_of(model: Any, pk: int | None) -> str:
    found = model.objects.filter(pk=pk).values_list("key", flat=True).first()
    return str(found or "")


def _name(user: Any) -> str:
    return (user.get_full_name() or user.get_username()) if user else ""


def _sentence(edit: Edit, change: Change) -> str:
    given = {
        "who": edit.by or _("Somebody"),
        "what": trail(change.path),
        "ago": timesince(edit.at),
        "old": change.old,
        "new": change.new,
    }
    if change.kind == "changed" and _is_short(change.old) and _is_short(change.new):
        return _("%(who)s changed %(what)s from “%(old)s” to “%(new)s” %(ago)s ago.") % given
    if change.kind == "added":
        return _("%(who)s added %(what)s %(ago)s ago.") % given
    if change.kind == "removed":
        return _("%(who)s removed %(what)s %(ago)s ago.") % given
    return _("%(who)s changed %(what)s %(ago)s ago.") % given


def _is_short(value: Any) -> bool:
    return isinstance(value, str | int | float) and 0 < len(str(value)) <= SHOWN
