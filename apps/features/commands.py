"""What the commands that write configuration share: in whose name they act, and how they tell of changes."""

from argparse import ArgumentTypeError
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core.commands import Exit, Outcome, problem_line
from apps.core.config.processes import Propagation, wait_until_propagated
from apps.core.errors import NotFound
from apps.core.publishing import services as publishing
from apps.core.publishing.diff import Change, diff
from apps.core.publishing.diff_text import diff_text
from apps.core.publishing.models import Snapshot
from apps.core.publishing.registry import Problem

MAX_NOTE = 500  # characters, of the history's column


class PersonUnknown(NotFound):
    code, reason = "FEATURES_2023", "E_PERSON_UNKNOWN"
    message = _("There is no user %(username)s. Name one with --by, or leave it out.")


def add_authorship(parser: Any) -> None:
    """`--by` and `--note`, spelled the same everywhere."""
    parser.add_argument("--by", metavar="USERNAME", default="", help="in whose name (default: nobody's)")
    parser.add_argument("--note", type=_note, default="", help="why, for the history")


def _note(text: str) -> str:
    if len(text) > MAX_NOTE:
        raise ArgumentTypeError(f"at most {MAX_NOTE} characters")
    return text


def author(username: str) -> User | None:
    """The user of that name; None when no name was given. Raises `PersonUnknown`."""
    if not username:
        return None
    found = User.objects.filter(username=username).first()
    if found is None:
        raise PersonUnknown(username=username)
    return found


def changes_data(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Changes for `--json`."""
    return [change.as_dict() for change in changes]


def problem_lines(problems: Sequence[Problem]) -> list[str]:
    """Problems, indented below what they belong to."""
    return [f"  {problem_line(problem.as_dict())}" for problem in problems]


def add_waiting(parser: Any) -> None:
    """`--wait`, spelled the same everywhere."""
    words = "end when every process serves it; exit code 5 when that takes longer than a few seconds"
    parser.add_argument("--wait", action="store_true", help=words)


def waited(scope: str, key: str, released: Outcome) -> Outcome:
    """The same outcome once every process serves what is live; released it is in any case."""
    head = publishing.head_of(scope, key)
    spread = wait_until_propagated(head.revision if head else 0)
    data = {**released.data, "propagation": spread.as_dict()}
    lines = [*released.lines, _spread_line(spread)]
    return Outcome(data, lines) if spread.complete else Outcome(data, lines, Exit.DOWN, "not_propagated")


def _spread_line(spread: Propagation) -> str:
    if spread.complete and not spread.processes:
        return "No process runs that would have to learn of it."
    if spread.complete:
        return f"Every process serves it ({spread.processes} of {spread.processes})."
    return f"Not yet served by {', '.join(spread.behind)}. Processes look again within seconds."


def add_rollback_target(parser: Any) -> None:
    """`VERSION`, and what every rollback takes."""
    parser.add_argument("version", type=int, help="the version whose content is to be live again")
    add_authorship(parser)
    add_waiting(parser)


def roll_back(scope: str, key: str, options: Mapping[str, Any]) -> Outcome:
    """Make the content of an older version live again, or show what that would change."""
    version, by = options["version"], author(options["by"])
    target, live = publishing.snapshot_of(scope, key, version), publishing.live_snapshot(scope, key)
    if options["dry_run"]:
        return _rollback_preview(target, live)
    after = publishing.rollback(scope, key, to_version=version, by=by, note=options["note"])
    changed = live is None or live.version != after.version
    words = f"v{after.version} is live, with the content of v{version}." if changed else _same(version)
    done = Outcome(_rollback_data(target, after, changed=changed), [f"{scope}/{key}: {words}"])
    return waited(scope, key, done) if options["wait"] else done


def _rollback_preview(target: Snapshot, live: Snapshot | None) -> Outcome:
    changes = diff(live.payload if live else {}, target.payload)
    data = {**_rollback_data(target, live, changed=bool(changes)), "changes": changes_data(changes)}
    if not changes:
        return Outcome(data, [f"{target.scope}/{target.key}: {_same(target.version)}"])
    now = f"v{live.version} is live" if live else "nothing is live"
    head = f"{target.scope}/{target.key}: {now}; releasing v{target.version} again would change:"
    return Outcome(data, [head, *(f"  {line}" for line in diff_text(changes))])


def _rollback_data(target: Snapshot, live: Snapshot | None, *, changed: bool) -> dict[str, Any]:
    return {
        "scope": target.scope,
        "key": target.key,
        "to_version": target.version,
        "live_version": live.version if live else None,
        "changed": changed,
    }


def _same(version: int) -> str:
    return f"the content of v{version} is live already. Nothing to do."
