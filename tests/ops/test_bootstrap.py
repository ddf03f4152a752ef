"""Finding a Python and handing over to it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ops.workspace import ROOT

STUB = "import sys; print('handed over to', *sys.version_info[:2], *sys.argv[1:])"
BROKEN_SHIM = "#!/bin/sh\necho 'pyenv: python3.12: command not found' >&2\nexit 127\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "ops").mkdir()
    shutil.copy(ROOT / "ops" / "bootstrap.sh", tmp_path / "ops")
    (tmp_path / "ops" / "__main__.py").write_text(STUB)
    return tmp_path


def bootstrap(checkout: Path, *programs: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([*map(str, programs), "/usr/bin", "/bin"])
    return subprocess.run(
        [checkout / "ops" / "bootstrap.sh", "run", "--fast"],
        env={"PATH": path, "HOME": str(checkout), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def program(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)
    return folder


def test_bootstrap__a_shim_that_fails__takes_the_next_python(checkout: Path) -> None:
    programs = program(checkout / "bin", "python3.12", BROKEN_SHIM)
    program(programs, "python3.11", f'#!/bin/sh\nexec {sys.executable} "$@"\n')

    done = bootstrap(checkout, programs)

    assert done.returncode == 0, done.stderr
    words = done.stdout.split()
    assert words[:3] == ["handed", "over", "to"]
    assert (int(words[3]), int(words[4])) >= (3, 11)
    assert words[5:] == ["run", "--fast"]


def test_bootstrap__a_sound_venv__uses_it_without_looking_further(checkout: Path) -> None:
    program(checkout / ".venv", "ignored", "")
    program(checkout / ".venv" / "bin", "python", f'#!/bin/sh\necho venv\nexec {sys.executable} "$@"\n')

    done = bootstrap(checkout, PYTHON="/nonexistent/python")

    assert done.stdout.splitlines()[-2:-1] == ["venv"]
    assert "handed over" in done.stdout


def test_bootstrap__no_python_that_runs__says_what_is_needed(checkout: Path) -> None:
    shim = program(checkout / "bin", "python3.12", BROKEN_SHIM) / "python3.12"

    done = bootstrap(checkout, PYTHON=str(shim))

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "Paiban needs Python 3.11 or newer; none was found. Name one: PYTHON=/path/to/python3.12 make run"
    ]


def test_bootstrap__python_without_venv_module__names_the_package(checkout: Path) -> None:
    lame = f'#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; esac\nexec {sys.executable} "$@"\n'
    python = program(checkout / "bin", "python3.11", lame) / "python3.11"

    done = bootstrap(checkout, PYTHON=str(python))

    assert done.returncode == 1
    assert f"Found {python}, but without its venv module" in done.stderr
    assert "apt install python3-venv" in done.stderr
