"""Migrate and seed in one process: loading Django twice would double the wait. Needs the full environment."""

from __future__ import annotations

import argparse
from pathlib import Path


def main() -> None:
    """Bring the database up to date and fill in what a first visitor needs."""
    parser = argparse.ArgumentParser(prog="python -m ops.prepare", description=main.__doc__)
    parser.add_argument("--credentials", type=Path, required=True)
    options = parser.parse_args()

    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", interactive=False)
    call_command("seed", credentials=options.credentials)


if __name__ == "__main__":
    main()
