"""`manage.py publish_feature KEY`: release a draft with everything it needs."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.core.management.base import CommandParser

from apps.core.commands import Exit, Outcome, ServiceCommand
from apps.core.errors import ApiError
from apps.core.publishing import services as publishing
from apps.core.publishing.diff_text import diff_text
from apps.core.publishing.errors import BreakUnconfirmed
from apps.core.publishing.services import Preview
from apps.core.publishing.services.releasing import LEAST_NOTE
from apps.features.commands import add_authorship, add_waiting, author, changes_data, problem_lines, waited
from apps.features.publishing import SCOPE
from apps.features.services import publish_feature

CONFIRM = "If you mean it, publish with --confirm."


class Command(ServiceCommand):
    help = "Release the draft of a feature with everything it needs; with --dry-run show its problems and changes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="the feature, for example product-photo")
        parser.add_argument("--confirm", action="store_true", help="publish although it breaks what people use now")
        add_authorship(parser)
        add_waiting(parser)
        super().add_arguments(parser)

    def outcome(self, options: dict[str, Any]) -> Outcome:
        key, by = options["key"], author(options["by"])
        if options["dry_run"]:
            seen = publishing.preview(SCOPE, key)
            return _previewed(key, seen, confirm=options["confirm"], note=options["note"])
        before = publishing.live_snapshot(SCOPE, key)
        snapshot = publish_feature(key, by=by, note=options["note"], confirm=options["confirm"])
        changed = before is None or before.version != snapshot.version
        words = "is live." if changed else "is live already: the draft is the same. Nothing to do."
        data = {"key": key, "live_version": snapshot.version, "changed": changed}
        published = Outcome(data, [f"{key}: v{snapshot.version} {words}"])
        return waited(SCOPE, key, published) if options["wait"] else published

    def outcome_of(self, error: ApiError, options: dict[str, Any]) -> Outcome:
        outcome = super().outcome_of(error, options)
        if isinstance(error, BreakUnconfirmed):
            return replace(outcome, lines=[*outcome.lines, CONFIRM])
        return outcome


def _previewed(key: str, seen: Preview, *, confirm: bool, note: str) -> Outcome:
    data = {
        "key": key,
        "live_version": seen.live_version,
        "changed": _differs(seen),
        "needs_approval": seen.needs_approval,
        "problems": [problem.as_dict() for problem in seen.problems],
        "changes": changes_data(seen.changes),
    }
    obstacles = list(_obstacles(key, seen, confirm=confirm, note=note))
    todo = ["Nothing was published; go on without --dry-run."] if _differs(seen) and not obstacles else []
    changes = [f"  {line}" for line in diff_text(seen.changes)]
    lines = [*_head(key, seen), *changes, *problem_lines(seen.problems), *obstacles, *todo]
    return Outcome(data, lines, Exit.REFUSED if obstacles else Exit.DONE)


def _differs(seen: Preview) -> bool:
    return seen.live_version is None or bool(seen.changes)


def _head(key: str, seen: Preview) -> list[str]:
    if not _differs(seen):
        return [f"{key}: v{seen.live_version} is live already: the draft is the same. Nothing to do."]
    if seen.live_version is None:
        return [f"{key}: nothing is live; this would be the first release."]
    return [f"{key}: v{seen.live_version} is live; publishing would change:"]


def _obstacles(key: str, seen: Preview, *, confirm: bool, note: str) -> Iterator[str]:
    """Why publishing would be refused now."""
    if seen.errors:
        yield f"{key}: cannot be published before the problems are solved."
    elif seen.breaks and not confirm:
        yield f"{key}: this breaks what people use now. {CONFIRM}"
    elif seen.needs_note and len(note.strip()) < LEAST_NOTE:
        yield f"{key}: say with --note, in at least {LEAST_NOTE} characters, why you go past the saved cases."
    elif _differs(seen):
        if seen.candidate_version:
            yield f"{key}: a gradual release of v{seen.candidate_version} is running. Finish or stop it first."
        if seen.needs_approval:
            yield f"{key}: a second person has to approve this. Propose it in the admin."
