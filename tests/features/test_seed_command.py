"""`manage.py seed`: what is missing, what was made, exit codes."""

import json
import stat
from typing import Any

import pytest
from django.core.management import call_command

from apps.accounts.models import User
from apps.core.publishing.models import Snapshot
from apps.features.demo import seed as demo_seed
from apps.features.demo.missing import missing
from apps.features.models import Feature
from apps.mcp.errors import ServerUnreachable
from apps.mcp.models import Server
from apps.prompts.models import Prompt
from apps.providers.models import Endpoint

EVERYTHING = {
    "users": ["admin", "operator", "editor", "viewer", "member"],
    "passwords": [],
    "endpoints": ["mock", "openai"],
    "tool servers": ["image-tools"],
    "allowed tools": ["image-tools"],
    "menu groups": ["images", "writing"],
    "prompts": ["copywriter"],
    "pipelines": ["product-photo", "copywriter", "shop-thumbnail"],
    "features": ["product-photo", "copywriter", "shop-thumbnail"],
    "releases": ["product-photo", "copywriter"],
}
NOTHING: dict[str, list[str]] = {kind: [] for kind in EVERYTHING}


def counts() -> list[int]:
    return [model.objects.count() for model in (User, Endpoint, Server, Prompt, Feature, Snapshot)]


def test_seed__dry_run_on_an_empty_installation__names_everything_and_makes_nothing(db, capsys):
    call_command("seed", "--dry-run", "--json")

    assert json.loads(capsys.readouterr().out) == {
        "status": "done",
        "exit_code": 0,
        "dry_run": True,
        "missing": EVERYTHING,
    }
    assert counts() == [0] * 6


def test_seed__json__tells_what_it_made_and_the_passwords_once(demo, capsys):
    User.objects.filter(username="viewer").delete()

    call_command("seed", "--json")

    told = json.loads(capsys.readouterr().out)
    assert told["created"] == {**NOTHING, "users": ["viewer"]}
    shown = told["credentials"]["demo"]
    assert User.objects.get(username="viewer").check_password(shown.pop("viewer"))
    assert set(shown.values()) == {None}


def test_seed__twice__has_nothing_to_do(demo, capsys):
    before = counts()
    capsys.readouterr()

    call_command("seed")

    assert capsys.readouterr().out == "Everything is there. Nothing to do.\n"
    assert missing() == NOTHING
    assert counts() == before


def test_seed__password_given_later__is_told_and_set(demo, capsys, monkeypatch):
    monkeypatch.setenv("PAIBAN_ADMIN_PASSWORD", "another-pass-2")
    capsys.readouterr()

    call_command("seed", "--dry-run")
    assert capsys.readouterr().out == "missing passwords: admin\n"
    assert not User.objects.get(username="admin").check_password("another-pass-2")

    call_command("seed")
    assert capsys.readouterr().out == "created passwords: admin\nadmin: another-pass-2\n"
    assert User.objects.get(username="admin").check_password("another-pass-2")


def test_seed__credentials_file__holds_the_passwords_and_the_terminal_does_not(demo, capsys, tmp_path):
    User.objects.filter(username="viewer").delete()
    capsys.readouterr()

    call_command("seed", "--credentials", str(tmp_path / "passwords"))

    written = json.loads((tmp_path / "passwords").read_text())
    assert stat.S_IMODE((tmp_path / "passwords").stat().st_mode) == 0o600
    assert capsys.readouterr().out == "created users: viewer\n"
    assert User.objects.get(username="viewer").check_password(written["demo"]["viewer"])


def test_seed__tool_server_does_not_answer__is_5(db, capsys, monkeypatch):
    def silent(*args: Any, **kwargs: Any) -> Any:
        raise ServerUnreachable(server="image-tools")

    monkeypatch.setattr(demo_seed.mcp, "allow_tools", silent)

    with pytest.raises(SystemExit) as ended:
        call_command("seed", "--json")

    assert ended.value.code == 5
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "MCP_5001"
