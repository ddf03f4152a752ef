"""Work that was done is not done again."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from ops import node_env, python_env
from ops.node_env import Node
from ops.workspace import fingerprint, read_stamp, write_stamp


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would have been run."""
    ran: list[list[str]] = []

    def record(command: Sequence[str | Path], **_: object) -> None:
        ran.append([str(word) for word in command])

    for module in (python_env, node_env):
        monkeypatch.setattr(module, "run_logged", record)
    return ran


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(python_env, "REQUIREMENTS", tmp_path)
    monkeypatch.setattr(python_env, "VENV", tmp_path / ".venv")
    for name in ("base", "dev", "mysql"):
        (tmp_path / f"{name}.txt").write_text(f"{name}==1\n")
    return tmp_path


def test_install__lock_unchanged__installs_once(locks: Path, commands: list[list[str]]) -> None:
    for _ in range(2):
        python_env.install("base", log=locks / "log")

    assert [command[-1] for command in commands] == [str(locks / "base.txt")]
    assert "--require-hashes" in commands[0]


def test_install__development_lock_present__base_is_not_installed_again(locks: Path, commands: list[list[str]]) -> None:
    python_env.install("dev", log=locks / "log")
    python_env.install("base", log=locks / "log")

    assert [Path(command[-1]).name for command in commands] == ["dev.txt"]


def test_install__lock_changed__installs_again(locks: Path, commands: list[list[str]]) -> None:
    python_env.install("base", log=locks / "log")
    (locks / "base.txt").write_text("base==2\n")
    python_env.install("base", log=locks / "log")

    assert len(commands) == 2


def test_build_frontend__sources_unchanged__builds_once_and_again_after_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commands: list[list[str]]
) -> None:
    frontend, build = tmp_path / "frontend", tmp_path / "build"
    (frontend / "src").mkdir(parents=True)
    build.mkdir()
    for file in (frontend / "package.json", frontend / "package-lock.json", frontend / "src" / "a.ts"):
        file.write_text("{}")
    (build / "a.js").write_text("")
    for name, value in {
        "FRONTEND": frontend,
        "FRONTEND_BUILD": build,
        "MODULES": frontend / "node_modules",
        "BUILD_STAMP": tmp_path / "stamp",
        "find_node": lambda _: Node(("npm",), {}, "22.12.0"),
    }.items():
        monkeypatch.setattr(node_env, name, value)

    node_env.build_frontend(tmp_path / "log")
    node_env.build_frontend(tmp_path / "log")
    once = [command[1] for command in commands]
    (frontend / "src" / "a.ts").write_text("{changed: 1}")
    node_env.build_frontend(tmp_path / "log")

    assert once == ["ci", "run"]
    assert [command[1] for command in commands] == ["ci", "run", "run"]


def test_fingerprint__results_beside_the_sources__are_not_counted(tmp_path: Path) -> None:
    (tmp_path / "a.ts").write_text("1")
    before = fingerprint([tmp_path])
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "b.js").write_text("2")

    assert fingerprint([tmp_path]) == before


def test_read_stamp__never_written__is_empty(tmp_path: Path) -> None:
    assert read_stamp(tmp_path / "none") == ""
    write_stamp(tmp_path / "deep" / "one", "value")
    assert read_stamp(tmp_path / "deep" / "one") == "value"
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["one"]


@pytest.mark.parametrize(
    ("version", "enough"),
    [
        ("v20.18.9", False),
        ("v20.19.0", True),
        ("v21.7.0", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.0.0", True),
        ("", False),
        ("pyenv: no", False),
    ],
)
def test_is_recent_enough__node_version__follows_what_the_bundler_asks(version: str, enough: bool) -> None:
    assert node_env.is_recent_enough(version) is enough
