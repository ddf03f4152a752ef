"""Passwords are shown once and then forgotten."""

import stat
from pathlib import Path

import pytest

from ops import credentials
from ops.credentials import Credentials

NOBODY_CHOSE = (False, False)


def made(password: str | None, demo: str | None = None) -> Credentials:
    return {
        "admin": {"username": "admin", "password": password, "must_change": True},
        "demo": {"editor": demo},
    }


def show(file: Path, capsys: pytest.CaptureFixture[str], chosen: tuple[bool, bool] = NOBODY_CHOSE) -> str:
    credentials.show_once(file, url="http://127.0.0.1:8000", data=file.parent, chosen=chosen)
    return capsys.readouterr().out


def test_show_once__fresh_passwords__are_printed_at_the_first_start_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "credentials.json"
    credentials.keep(file, made("one-time-word", "demo-word"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    first, second = show(file, capsys), show(file, capsys)

    assert "http://127.0.0.1:8000/admin/" in first
    assert "one-time-word (one-time: you choose your own at the first sign-in)" in first
    assert "demo-word" in first
    assert "one-time-word" not in second + file.read_text()
    assert "demo-word" not in second + file.read_text()
    assert "`make admin-password` makes a new one" in second


def test_keep__earlier_start_never_showed_them__are_not_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "credentials.json"
    credentials.keep(file, made("one-time-word", "demo-word"))
    credentials.keep(file, made(None, None))

    said = show(file, capsys)

    assert "one-time-word" in said
    assert "demo-word" in said


def test_show_once__password_chosen_by_the_user__is_not_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "credentials.json"
    credentials.keep(file, made("from-the-environment", "demo-too"))

    said = show(file, capsys, chosen=(True, True))

    assert "from-the-environment" not in said
    assert "demo-too" not in said
    assert "the one in PAIBAN_ADMIN_PASSWORD" in said


def test_show_once__no_seed_yet__prints_the_addresses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Storefront     http://127.0.0.1:8000/" in show(tmp_path / "none.json", capsys)
