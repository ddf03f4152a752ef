"""`manage.py config export | diff | import`: configuration as files."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core.commands import Exit, Outcome, ServiceCommand, add_output_arguments, failed, problem_line
from apps.core.errors import ApiError
from apps.core.publishing.diff_text import diff_text
from apps.features.commands import add_authorship, author
from apps.features.files.exporting import Export, export_files
from apps.features.files.importing import import_files
from apps.features.files.plan import Plan, make_plan
from apps.features.files.problems import FileProblem, FilesRefused


class Command(ServiceCommand):
    help = (
        "Features, menus, pipelines and prompts as a folder of YAML files, and back into the drafts. "
        "Never holds endpoints, tool servers or keys, and never publishes. See docs/config-as-files.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="export|diff|import")
        self._add_export(actions.add_parser("export", help="Write the drafts below DIR; only what differs is written."))
        diff = actions.add_parser(
            "diff", help="Compare the files with the drafts; exit code 0 equal, 1 different, 2 unusable."
        )
        diff.add_argument("dir", type=Path, help="the folder")
        diff.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
        self._add_import(
            actions.add_parser("import", help="Make the drafts what the files say; without --apply only show it.")
        )

    def _add_export(self, parser: Any) -> None:
        parser.add_argument("dir", type=Path, help="the folder; made when it is not there")
        parser.add_argument(
            "--feature", action="append", default=[], metavar="KEY", help="only this feature, with all its parts"
        )
        parser.add_argument("--released", action="store_true", help="what is live, instead of the drafts")
        parser.add_argument("--prune", action="store_true", help="remove the files of what no longer exists")
        add_output_arguments(parser)

    def _add_import(self, parser: Any) -> None:
        parser.add_argument("dir", type=Path, help="the folder")
        one = parser.add_mutually_exclusive_group()
        one.add_argument("--apply", action="store_true", help="write to the drafts; nothing is published")
        one.add_argument(
            "--dry-run", action="store_true", help="write nothing, show what would happen (as without --apply)"
        )
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
        add_authorship(parser)

    def outcome(self, options: dict[str, Any]) -> Outcome:
        if options["action"] == "export":
            return _export(options)
        if options["action"] == "diff":
            return _compared(make_plan(options["dir"]))
        by = author(options["by"])
        options["dry_run"] = not options["apply"]
        if options["dry_run"]:
            return _planned(make_plan(options["dir"]))
        return _imported(import_files(options["dir"], by=by, note=options["note"]))

    def outcome_of(self, error: ApiError, options: dict[str, Any]) -> Outcome:
        outcome = failed(error)
        if options["action"] == "diff" and isinstance(error, FilesRefused):
            return Outcome(outcome.data, outcome.lines, Exit.USAGE, "unusable")
        return outcome


def _export(options: dict[str, Any]) -> Outcome:
    done = export_files(
        options["dir"],
        features=options["feature"],
        live=options["released"],
        prune=options["prune"],
        dry_run=options["dry_run"],
    )
    data = {
        "written": done.files.written,
        "unchanged": done.files.unchanged,
        "gone": done.files.gone,
        "removed": done.files.removed,
        "warnings": _data(done.warnings),
    }
    return Outcome(data, _export_lines(done, options))


def _export_lines(done: Export, options: dict[str, Any]) -> list[str]:
    files, would = done.files, "would be " if options["dry_run"] else ""
    lines = [
        *(f"+ {name}" for name in files.written),
        *(f"- {name}" for name in files.removed),
        *_lines(done.warnings),
        f"{options['dir']}: {len(files.written)} files {would}written, {len(files.unchanged)} unchanged, "
        f"{len(files.removed)} {would}removed.",
    ]
    if left := [name for name in files.gone if name not in files.removed]:
        lines.append(f"{len(left)} files belong to nothing that exists: {', '.join(left)}. Remove them with --prune.")
    return lines


def _plan_data(plan: Plan) -> dict[str, Any]:
    return {
        "created": plan.names("create"),
        "changed": plan.names("change"),
        "same": plan.names("same"),
        "steps": [step.as_dict() for step in plan.writing],
        "warnings": _data(plan.warnings),
        "features": plan.touched,
    }


def _plan_lines(plan: Plan) -> list[str]:
    lines: list[str] = []
    for step in plan.writing:
        lines.append(f"{step.action} {step.name}")
        lines += [f"    {line}" for line in diff_text(step.changes)]
    return [*lines, *_lines(plan.warnings)]


def _counted(plan: Plan) -> str:
    create, change, same = (len(plan.names(action)) for action in ("create", "change", "same"))
    return f"{create} to create, {change} to change, {same} the same."


def _compared(plan: Plan) -> Outcome:
    lines = [*_plan_lines(plan), _counted(plan)]
    if plan.writing:
        return Outcome(_plan_data(plan), lines, Exit.REFUSED, "different")
    return Outcome(_plan_data(plan), lines, Exit.DONE, "equal")


def _planned(plan: Plan) -> Outcome:
    todo = "Nothing was written; go on with --apply." if plan.writing else "Nothing to do."
    return Outcome(_plan_data(plan), [*_plan_lines(plan), f"{_counted(plan)} {todo}"])


def _imported(plan: Plan) -> Outcome:
    create, change, same = (len(plan.names(action)) for action in ("create", "change", "same"))
    lines = [*_plan_lines(plan), f"{create} created, {change} changed, {same} the same. Nothing was published."]
    lines += [f"  manage.py publish_feature {key} --dry-run" for key in plan.touched]
    return Outcome(_plan_data(plan), lines)


def _data(problems: list[FileProblem]) -> list[dict[str, Any]]:
    return [problem.as_dict() for problem in problems]


def _lines(problems: list[FileProblem]) -> list[str]:
    return [problem_line(problem.as_dict()) for problem in problems]
