"""Known vulnerabilities in the locked packages, and honesty about not having been able to ask."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from typing import Final, TypedDict

from ops import python_env
from ops.console import say
from ops.workspace import REQUIREMENTS, ROOT

NOT_CHECKED: Final = 75  # EX_TEMPFAIL: nothing is known to be wrong, and nothing is known to be right
LOCKS: Final = ("dev", "mysql", "node")
SERVICES: Final = ("pypi", "osv")


class Vulnerability(TypedDict):
    """One advisory, as pip-audit reports it."""

    id: str
    fix_versions: list[str]


class Dependency(TypedDict, total=False):
    """One locked package: either its advisories, or why it was skipped."""

    name: str
    version: str
    vulns: list[Vulnerability]
    skip_reason: str


def audit(env: Mapping[str, str]) -> int:
    """Ask the advisory services; 1 when something is known to be wrong, or when nobody could be asked.

    Where there is no way to a service, `PAIBAN_OFFLINE_AUDIT=warn` turns the latter into `NOT_CHECKED`.
    """
    missed = "none of the packages could be looked up"
    for service in SERVICES:
        report = _ask(service, env)
        if _tell_advisories(report):
            return 1
        skipped = [dependency["name"] for dependency in report if "skip_reason" in dependency]
        if report and not skipped:
            say(f"pip-audit: {len(report)} locked packages, no known vulnerability.")
            return 0
        if len(skipped) < len(report):
            missed = f"not looked up: {', '.join(skipped)}"
    say(f"pip-audit: advisory service unreachable, NOT CHECKED ({missed}).")
    if os.environ.get("PAIBAN_OFFLINE_AUDIT") == "warn":
        return NOT_CHECKED
    say("Where there is no way to one, PAIBAN_OFFLINE_AUDIT=warn lets the other checks decide.")
    return 1


def _ask(service: str, env: Mapping[str, str]) -> list[Dependency]:
    """What one service says about every pin in the locks; nothing when it can't be asked."""
    command = [
        "pip-audit",
        "--vulnerability-service",
        service,
        "--format",
        "json",
        "--progress-spinner",
        "off",
    ]
    command += ["--require-hashes", "--disable-pip"]
    for lock in LOCKS:
        command += ["--requirement", str(REQUIREMENTS / f"{lock}.txt")]
    environment = python_env.environment(env)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    try:
        report: list[Dependency] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return []
    return report


def _tell_advisories(report: list[Dependency]) -> bool:
    vulnerable = [dependency for dependency in report if dependency.get("vulns")]
    for dependency in vulnerable:
        for advisory in dependency["vulns"]:
            fixed = ", ".join(advisory["fix_versions"]) or "no version yet"
            say(f"{dependency['name']} {dependency['version']}: {advisory['id']}, fixed in {fixed}")
    return bool(vulnerable)
