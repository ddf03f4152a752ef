"""Start the image tools over stdio."""

from __future__ import annotations

import argparse
import resource
from pathlib import Path

from apps.mcp.image_tools.jobs import Jobs
from apps.mcp.image_tools.server import make_server
from apps.mcp.image_tools.workspace import Workspace

MEGABYTE = 1024 * 1024


def main() -> None:
    arguments = _parse()
    _limit(arguments.memory)
    make_server(Workspace(arguments.root), Jobs(arguments.jobs)).run("stdio")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m apps.mcp.image_tools", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="the only folder the tools may touch")
    parser.add_argument("--jobs", type=int, default=1, help="pictures worked on at once (default 1)")
    parser.add_argument(
        "--memory", type=int, default=4096, help="address space in megabytes, 0 for no limit (default 4096)"
    )
    return parser.parse_args()


def _limit(megabytes: int) -> None:
    """No core files, which would hold customers' pictures; and an end to growing memory."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if megabytes:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes * MEGABYTE, megabytes * MEGABYTE))


if __name__ == "__main__":
    main()
