"""`manage.py config`: exit codes and answers of export, diff and import."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command, execute_from_command_line
from django.db import OperationalError

from apps.features.files.importing import ImportConflict
from apps.features.management.commands import config as command
from apps.features.models import Feature
from apps.prompts.models import Prompt
from tests.features.builders import make_feature
from tests.features.test_export import content
from tests.features.test_import import forget_everything, refused, rewrite, state


@pytest.fixture
def folder(db: None, tmp_path: Path) -> Path:
    make_feature()
    call_command("config", "export", str(tmp_path / "config"))
    return tmp_path / "config"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    """The exit code of `config ARGUMENTS --json`, and its object."""
    capsys.readouterr()
    code = 0
    try:
        call_command("config", *map(str, arguments), "--json")
    except SystemExit as exc:
        code = int(exc.code or 0)
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == code
    return code, told


def spoken(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """The exit code and what a person reads."""
    capsys.readouterr()
    code = 0
    try:
        call_command("config", *map(str, arguments))
    except SystemExit as exc:
        code = int(exc.code or 0)
    told = capsys.readouterr()
    return code, told.out, told.err


# --- 0: done --------------------------------------------------------------------------------------


def test_export__drafts__names_the_files(db, tmp_path, capsys):
    make_feature()

    code, told = run(capsys, "export", tmp_path / "c")

    assert code == 0
    assert told == {
        "status": "done",
        "exit_code": 0,
        "dry_run": False,
        "written": [
            "paiban.yaml",
            "menus/texts.yaml",
            "prompts/greeting.yaml",
            "pipelines/greeter.yaml",
            "features/greeter.yaml",
        ],
        "unchanged": [],
        "gone": [],
        "removed": [],
        "warnings": [],
    }


def test_export__gone__says_how_to_remove_the_file(folder, capsys):
    Feature.objects.all().delete()

    code, out, _err = spoken(capsys, "export", folder)

    assert code == 0
    assert "features/greeter.yaml. Remove them with --prune." in out
    assert (folder / "features/greeter.yaml").exists()


def test_export__options__reach_the_service(folder, tmp_path, capsys):
    make_feature("other")

    code, told = run(capsys, "export", tmp_path / "one", "--feature", "other", "--dry-run")

    assert (code, told["dry_run"]) == (0, True)
    assert "features/other.yaml" in told["written"]
    assert "features/greeter.yaml" not in told["written"]
    assert not (tmp_path / "one").exists()


def test_export__released__is_empty_when_nothing_is_live(folder, tmp_path, capsys):
    assert run(capsys, "export", tmp_path / "live", "--released")[1]["written"] == ["paiban.yaml"]


def test_diff__equal__is_0(folder, capsys):
    code, told = run(capsys, "diff", folder)

    assert (code, told["status"], told["steps"], len(told["same"])) == (0, "equal", [], 4)
    assert spoken(capsys, "diff", folder) == (0, "0 to create, 0 to change, 4 the same.\n", "")


def test_diff__different__is_1_with_the_changes_and_writes_nothing(folder, capsys):
    rewrite(folder, "prompts/greeting.yaml", "Greet {{ name }}.", "|-\n  Greet\n  {{ name }}.")
    before = state()

    code, told = run(capsys, "diff", folder)

    assert (code, told["status"], told["changed"]) == (1, "different", ["prompts/greeting.yaml"])
    assert told["steps"][0]["changes"][0]["path"] == "/body"
    assert spoken(capsys, "diff", folder)[1] == (
        "change prompts/greeting.yaml\n"
        "    ~ /body\n"
        "        @@ -1 +1,2 @@\n"
        "        -Greet {{ name }}.\n"
        "        +Greet\n"
        "        +{{ name }}.\n"
        "0 to create, 1 to change, 3 the same.\n"
    )
    assert state() == before


def test_diff__unusable__is_2(folder, capsys):
    rewrite(folder, "menus/texts.yaml", "order: 100", "order: x")

    code, told = run(capsys, "diff", folder)

    assert (code, told["status"], told["error"]["code"]) == (2, "unusable", "FEATURES_2020")
    code, out, err = spoken(capsys, "diff", folder)
    assert (code, out) == (2, "")
    assert "  menus/texts.yaml:5 /order: This is not the expected kind of value. [E_FIELD_TYPE]" in err


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_import__without_apply__only_shows_the_plan(folder, capsys, dry_run):
    forget_everything()
    before = state()

    code, told = run(capsys, "import", folder, *dry_run)

    assert (code, told["dry_run"], len(told["created"]), told["features"]) == (0, True, 4, ["greeter"])
    assert "go on with --apply" in spoken(capsys, "import", folder, *dry_run)[1]
    assert state() == before


def test_import__apply__writes_in_the_name_of_the_user_and_says_what_to_publish(folder, capsys, editor):
    rewrite(folder, "prompts/greeting.yaml", "Greet", "Welcome")

    code, out, _err = spoken(capsys, "import", folder, "--apply", "--by", "eddy", "--note", "commit 1a2b")

    assert code == 0
    assert out.endswith(
        "0 created, 1 changed, 3 the same. Nothing was published.\n  manage.py publish_feature greeter --dry-run\n"
    )
    newest = Prompt.objects.get().history.first()
    assert (newest.history_user, newest.history_change_reason) == (editor, "config import: commit 1a2b")


def test_import__warnings__do_not_stop_it(folder, capsys):
    rewrite(folder, "features/greeter.yaml", "models: []", "models: [unheard-of]")
    rewrite(folder, "features/greeter.yaml", "cost: 2", "cost: 3")

    code, told = run(capsys, "import", folder, "--apply")

    assert (code, [warning["code"] for warning in told["warnings"]]) == (0, ["E_MODEL_MISSING"])
    assert Feature.objects.get().cost == 3


# --- 1: refused -----------------------------------------------------------------------------------


def test_import__bad_files__is_1_with_every_problem(folder, capsys):
    rewrite(folder, "menus/texts.yaml", "order: 100", "order: x")
    rewrite(folder, "features/greeter.yaml", "cost: 2", "cost: x")

    code, told = run(capsys, "import", folder, "--apply")

    assert (code, told["status"]) == (1, "refused")
    assert [problem["pointer"] for problem in told["error"]["details"]["problems"]] == ["/order", "/cost"]
    assert len(refused(folder)) == 2


def test_export__place_is_a_file__is_1(db, tmp_path, capsys):
    (tmp_path / "c").write_text("mine")

    assert run(capsys, "export", tmp_path / "c")[0] == 1
    assert (tmp_path / "c").read_text() == "mine"


# --- 2: wrong usage -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["publish", "x"],
        ["export"],
        ["diff", "x", "--apply"],
        ["import", "x", "--apply", "--dry-run"],
        ["import", "x", "--note", "x" * 501],
    ],
)
def test_config__called_wrongly__is_2(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "config", *arguments])

    assert ended.value.code == 2
    assert "usage: manage.py config" in capsys.readouterr().err


# --- 3, 4, 5 --------------------------------------------------------------------------------------


def test_import__somebody_else_was_faster__is_3(folder, capsys, monkeypatch):
    def overtaken(*args: Any, **kwargs: Any) -> Any:
        raise ImportConflict()

    monkeypatch.setattr(command, "import_files", overtaken)

    code, told = run(capsys, "import", folder, "--apply")

    assert (code, told["status"], told["error"]["retryable"]) == (3, "conflict", True)


def test_import__unknown_person__is_4_and_writes_nothing(folder, capsys):
    rewrite(folder, "features/greeter.yaml", "cost: 2", "cost: 3")
    before = state()

    code, told = run(capsys, "import", folder, "--apply", "--by", "nobody")

    assert (code, told["error"]["code"]) == (4, "FEATURES_2023")
    assert state() == before


def test_export__unknown_feature__is_4_and_writes_nothing(folder, capsys):
    before = content(folder)

    code, told = run(capsys, "export", folder, "--feature", "nowhere")

    assert (code, told["error"]["code"]) == (4, "FEATURES_2022")
    assert content(folder) == before


@pytest.mark.parametrize("action", ["export", "diff", "import"])
def test_config__database_unreachable__is_5(folder, capsys, monkeypatch, action):
    def down(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError("gone")

    for name in ("export_files", "make_plan", "import_files"):
        monkeypatch.setattr(command, name, down)

    code, told = run(capsys, action, folder)

    assert (code, told["status"], told["error"]["code"]) == (5, "down", "CORE_5001")


def test_guide__every_problem_code__is_explained():
    root = Path(command.__file__).parents[4]
    sources = (root / "apps/features/files").glob("*.py")
    codes = {code for source in sources for code in re.findall(r'"(E_[A-Z_0-9]+)"', source.read_text())}
    codes -= {"E_FILES_REFUSED", "E_IMPORT_CONFLICT", "E_FEATURES_UNKNOWN"}  # errors, in docs/errors.md

    page = (root / "docs/config-as-files.md").read_text()

    assert codes
    assert sorted(code for code in codes if f"`{code}`" not in page) == []
