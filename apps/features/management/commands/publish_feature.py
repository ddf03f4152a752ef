"""`manage.py publish_feature KEY`: release a draft with everything it needs."""

from typing import Any

from django.core.management.base import CommandParser

from apps.core.commands import Exit, Outcome, ServiceCommand
from apps.core.publishing import services as publishing
from apps.core.publishing.diff_text import diff_text
from apps.core.publishing.services import Preview
from apps.features.commands import add_authorship, author, changes_data, problem_lines
from apps.features.publishing import SCOPE
from apps.features.services import publish_feature


class Command(ServiceCommand):
    help = "Release the draft of a feature with everything it needs; with --dry-run show its problems and changes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="the feature, for example product-photo")
        add_authorship(parser)
        super().add_arguments(parser)

    def outcome(self, options: dict[str, Any]) -> Outcome:
        key, by = options["key"], author(options["by"])
        if options["dry_run"]:
            return _previewed(key, publishing.preview(SCOPE, key))
        before = publishing.live_snapshot(SCOPE, key)
        snapshot = publish_feature(key, by=by, note=options["note"])
        changed = before is None or before.version != snapshot.version
        data = {"key": key, "live_version": snapshot.version, "changed": changed}
        words = "is live." if changed else "is live already: the draft is the same. Nothing to do."
        return Outcome(data, [f"{key}: v{snapshot.version} {words}"])


def _previewed(key: str, seen: Preview) -> Outcome:
    data = {
        "key": key,
        "live_version": seen.live_version,
        "changed": _differs(seen),
        "problems": [problem.as_dict() for problem in seen.problems],
        "changes": changes_data(seen.changes),
    }
    lines = [*_head(key, seen), *(f"  {line}" for line in diff_text(seen.changes)), *problem_lines(seen.problems)]
    if any(problem.level == "error" for problem in seen.problems):
        return Outcome(data, [*lines, f"{key}: cannot be published before the problems are solved."], Exit.REFUSED)
    if _differs(seen):
        lines.append("Nothing was published; go on without --dry-run.")
    return Outcome(data, lines)


def _differs(seen: Preview) -> bool:
    return seen.live_version is None or bool(seen.changes)


def _head(key: str, seen: Preview) -> list[str]:
    if not _differs(seen):
        return [f"{key}: v{seen.live_version} is live already: the draft is the same. Nothing to do."]
    if seen.live_version is None:
        return [f"{key}: nothing is live; this would be the first release."]
    return [f"{key}: v{seen.live_version} is live; publishing would change:"]
