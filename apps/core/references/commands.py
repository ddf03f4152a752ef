"""`docs/commands.md`: our management commands."""

import argparse
from typing import Any

from django.core.management import get_commands, load_command_class

from apps.core.commands import MEANINGS
from apps.core.references import notice, table

INTRODUCTION = """
Run them as `.venv/bin/python manage.py NAME`, while `make run` runs or without it. They find the same database, keys
and addresses through the data folder. In a container: `ops/docker/entrypoint.sh manage NAME`. Django's own commands
work as [its documentation](https://docs.djangoproject.com/en/5.2/ref/django-admin/) says.

Commands with `--json` print one object: `status`, `exit_code`, `dry_run`, fields of their own, and `error` (`code`,
`reason`, `message`, `retryable`, `details`) when something stood in the way. Their exit codes:
"""
# What every Django command has; said once by Django.
INHERITED = {"--help", "--version", "--verbosity", "--settings", "--pythonpath", "--traceback", "--no-color"}
INHERITED |= {"--force-color", "--skip-checks"}


def build() -> str:
    """Each command with what it does and what it takes."""
    ours = sorted(name for name, app in get_commands().items() if str(app).startswith("apps."))
    codes = table(("Exit code", "Meaning"), [(f"`{int(code)}`", meaning) for code, meaning in MEANINGS.items()])
    parts = ["# Commands", notice("the commands' own help"), INTRODUCTION.strip(), codes]
    return "\n\n".join([*parts, *(part for name in ours for part in _section(name))])


def _section(name: str) -> list[str]:
    command = load_command_class(get_commands()[name], name)
    parser = command.create_parser("manage.py", name)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            about = {one.dest: one.help or "" for one in action._choices_actions}
            parts = (_usage(f"{name} {sub}", about[sub], inner, "###") for sub, inner in action.choices.items())
            return [f"## {name}", command.help, *(line for part in parts for line in part)]
    return _usage(name, command.help, parser, "##")


def _usage(name: str, about: str, parser: argparse.ArgumentParser, heading: str) -> list[str]:
    options = [action for action in parser._actions if not INHERITED & set(action.option_strings)]
    positionals = [action for action in options if not action.option_strings]
    usage = " ".join(["manage.py", name, *(action.dest for action in positionals), *(["[options]"] if options else [])])
    rows = [(f"`{_flags(action)}`", _words(action)) for action in options]
    parts = [f"{heading} {name}", f"`{usage}`", about]
    return [*parts, table(("Argument", "Meaning"), rows)] if rows else parts


def _flags(action: argparse.Action) -> str:
    """`--input NAME=VALUE`; formatted here because argparse's own help differs from one Python to the next."""
    if not action.option_strings:
        return action.dest
    takes: Any = "" if action.nargs == 0 else action.metavar or action.dest.upper()
    return f"{', '.join(action.option_strings)} {takes}".strip()


def _words(action: argparse.Action) -> str:
    again = "may be given more than once" if isinstance(action, argparse._AppendAction) else ""
    return "; ".join(part for part in (action.help or "", again) if part)
