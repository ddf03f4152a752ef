"""The verbs behind the Makefile: `ops/bootstrap.sh VERB [ARGUMENT...]`."""

from __future__ import annotations

import importlib
import signal
import sys
from typing import Final

from ops.workspace import Failure

# A verb names its module and function; modules load when called, because some need what others install.
VERBS: Final = {
    "run": ("ops.run", "run"),
    "reset": ("ops.reset", "reset"),
    "test": ("ops.suites", "test"),
    "e2e": ("ops.suites", "e2e"),
    "faults": ("ops.faults", "faults"),
    "check": ("ops.checks", "check"),
    "frontend": ("ops.chores", "frontend"),
    "format": ("ops.chores", "format_code"),
    "lock": ("ops.chores", "lock"),
    "snapshots": ("ops.chores", "snapshots"),
    "docs": ("ops.chores", "docs"),
    "admin-password": ("ops.chores", "admin_password"),
}


def main() -> int:
    """Run one verb; what goes wrong in an expected way is one message, not a traceback."""
    verb, *arguments = sys.argv[1:] or [""]
    if verb not in VERBS:
        print(f"ops: no such verb {verb!r}; there are: {', '.join(VERBS)}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that clean-up happens
    module, name = VERBS[verb]
    try:
        code = getattr(importlib.import_module(module), name)(arguments)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
