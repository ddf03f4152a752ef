"""What is live, what was, and what publishing would do."""

from dataclasses import dataclass, field
from typing import Any

from apps.core.publishing.canonical import sha256_of
from apps.core.publishing.diff import Change, diff
from apps.core.publishing.errors import VersionUnknown
from apps.core.publishing.models import Head, Release, Snapshot
from apps.core.publishing.registry import Problem, publishable


@dataclass(frozen=True)
class Preview:
    """What publishing would do: the payload, its problems, the changes against the live version."""

    payload: dict[str, Any]
    problems: list[Problem]
    changes: list[Change]
    live_version: int | None
    sha256: str = ""
    candidate_version: int | None = None
    needs_approval: bool = False
    head_revision: int = 0
    errors: list[Problem] = field(default_factory=list)  # forbid it
    breaks: list[Problem] = field(default_factory=list)  # have to be confirmed
    warnings: list[Problem] = field(default_factory=list)  # are only said

    @property
    def needs_note(self) -> bool:
        """Whether whoever confirms the breaks has to say why."""
        return any(problem.needs_note for problem in self.breaks)


def head_of(scope: str, key: str) -> Head | None:
    """The head with its snapshots, or None when nothing was ever released."""
    rows = Head.objects.select_related("snapshot__author", "candidate__author")
    return rows.filter(scope=scope, key=key).first()


def live_snapshot(scope: str, key: str) -> Snapshot | None:
    """The snapshot that is live for everybody, or None."""
    head = head_of(scope, key)
    return head.snapshot if head else None


def live_versions(scope: str) -> dict[str, int]:
    """The live version of everything in `scope`, by key."""
    return dict(Head.objects.filter(scope=scope, version__gt=0).values_list("key", "version"))


def versions(scope: str, key: str) -> list[Snapshot]:
    """Every released version, newest first, without the bodies."""
    return list(
        Snapshot.objects.filter(scope=scope, key=key).select_related("author").defer("body").order_by("-version")
    )


def releases(scope: str, key: str) -> list[Release]:
    """Every change of what was live, newest first."""
    return list(Release.objects.filter(scope=scope, key=key).select_related("by"))


def snapshot_of(scope: str, key: str, version: int) -> Snapshot:
    """One released version. Raises `VersionUnknown`."""
    found = Snapshot.objects.filter(scope=scope, key=key, version=version).first()
    if found is None:
        raise VersionUnknown(version=version)
    return found


def diff_versions(scope: str, key: str, *, old: int, new: int) -> list[Change]:
    """What changed from version `old` to version `new`. Raises `VersionUnknown`."""
    return diff(snapshot_of(scope, key, old).payload, snapshot_of(scope, key, new).payload)


def preview(scope: str, key: str) -> Preview:
    """Collect and check the draft without releasing it."""
    # The head first: what is released meanwhile is then noticed by its revision.
    head = head_of(scope, key)
    return preview_of(scope, key, publishable(scope).collect(key), head)


def _last_live(scope: str, key: str) -> dict[str, Any]:
    """What was live for everybody before it was withdrawn; empty when nothing ever was."""
    numbers = Release.objects.filter(scope=scope, key=key, to_version__gt=0).values_list("to_version", flat=True)
    version = numbers.first()
    return snapshot_of(scope, key, version).payload if version else {}


def preview_of(scope: str, key: str, payload: dict[str, Any], head: Head | None) -> Preview:
    """The same for a payload that was collected earlier."""
    live = head.snapshot if head else None
    old = live.payload if live else None
    problems = publishable(scope).check(key, payload, old)
    return Preview(
        payload=payload,
        problems=problems,
        changes=diff(old or {}, payload),
        live_version=live.version if live else None,
        sha256=sha256_of(payload),
        candidate_version=head.candidate.version if head and head.candidate else None,
        # Switching the demand off is itself a change that needs the second person, also after a withdrawal.
        needs_approval=any(bool(p.get("needs_approval")) for p in (payload, old or _last_live(scope, key))),
        head_revision=head.revision if head else 0,
        errors=[p for p in problems if p.level == "error"],
        breaks=[p for p in problems if p.level == "break"],
        warnings=[p for p in problems if p.level == "warning"],
    )
