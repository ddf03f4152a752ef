"""The data folder, its secrets, and which of several values counts."""

import stat
from pathlib import Path

import pytest

from ops import environment
from ops.environment import Settings, child_environment, keep_secrets, read_env_file, read_settings
from ops.workspace import Failure


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    environment.make_data_dir(tmp_path / "data")
    return Settings(tmp_path / "data", "127.0.0.1", 8000, {})


def test_keep_secrets__first_start__makes_them_once_with_mode_0600(settings: Settings) -> None:
    first = keep_secrets(settings)

    file = settings.data / ".env"
    before = file.read_text()
    later = keep_secrets(Settings(settings.data, "127.0.0.1", 8000, read_env_file(file)))

    assert set(first) == {"SECRET_KEY", "PAIBAN_SIGNING_KEY", "PAIBAN_MASTER_KEYS"}
    assert later == first
    assert file.read_text() == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(first["PAIBAN_SIGNING_KEY"]) >= 64


def test_keep_secrets__one_given_by_the_user__is_used_and_not_written(settings: Settings) -> None:
    given = Settings(settings.data, "127.0.0.1", 8000, {"SECRET_KEY": "mine"})

    assert keep_secrets(given)["SECRET_KEY"] == "mine"
    assert "SECRET_KEY" not in read_env_file(settings.data / ".env")


def test_keep_secrets__file_open_to_others__is_closed(settings: Settings) -> None:
    file = settings.data / ".env"
    file.write_text("SECRET_KEY=kept\n")
    file.chmod(0o644)

    keep_secrets(Settings(settings.data, "127.0.0.1", 8000, {"SECRET_KEY": "kept"}))

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_env_file(file)["SECRET_KEY"] == "kept"


def test_read_settings__same_name_in_three_places__the_nearest_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / ".env").write_text("A=data\nB=data\nC=data\n")
    (tmp_path / ".env").write_text("A=root\nB=root\n")
    monkeypatch.setenv("A", "real")
    monkeypatch.setenv("B", "")
    for name in ("PAIBAN_DATA_DIR", "PORT", "HOST", "C"):
        monkeypatch.delenv(name, raising=False)

    settings = read_settings()

    assert [settings.given[name] for name in "ABC"] == ["real", "root", "data"]
    assert settings.data == tmp_path / "var"
    assert (settings.url, settings.starts_redis) == (
        "http://127.0.0.1:8000",
        "REDIS_URL" not in settings.given,
    )


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_read_settings__port_that_is_none__is_refused(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", port)

    with pytest.raises(Failure, match="PORT must be a number from 1 to 65535"):
        read_settings()


def test_child_environment__nothing_given__points_into_the_data_folder(settings: Settings) -> None:
    env = child_environment(settings, {"SECRET_KEY": "s"}, "redis://127.0.0.1:7000/0")

    assert env["DATABASE_URL"] == f"sqlite:///{settings.data}/paiban.sqlite3"
    assert env["REDIS_URL"] == "redis://127.0.0.1:7000/0"
    assert env["PAIBAN_DATA_DIR"] == str(settings.data)
    assert env["DJANGO_SETTINGS_MODULE"] == "config.settings.dev"
    assert env["SECRET_KEY"] == "s"


def test_read_env_file__quotes_comments_and_export__are_understood(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# no\n\nA=1 # why\nexport B='x # y'\nC=\"a=b\"\nD=a#b\nE=\n")

    assert read_env_file(file) == {"A": "1", "B": "x # y", "C": "a=b", "D": "a#b"}


def test_read_env_file__a_line_that_is_none__names_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("A=1\nwhat is this\n")

    with pytest.raises(Failure, match=r"\.env, line 2: expected NAME=value"):
        read_env_file(file)
