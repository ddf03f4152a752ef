"""`manage.py run_feature`: the same job from a terminal."""

import json

import pytest
from django.core.management import call_command
from PIL import Image

from apps.accounts.models import User
from apps.quotas.models import Account
from apps.tasks.models import Task
from tests.tasks.test_main_line import photo

pytestmark = pytest.mark.django_db(transaction=True)


def test_run_feature__photo__file_of_the_asked_size_and_json(demo, tmp_path, capsys):
    source, out = tmp_path / "cup.jpg", tmp_path / "out.webp"
    source.write_bytes(photo())

    call_command(
        "run_feature", "product-photo", "--file", f"image={source}", "--input", "size=500", "--out", out, "--json"
    )

    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["version"], told["out"], told["cost"]) == ("succeeded", 1, str(out), 10)
    picture = Image.open(out)
    assert (picture.format, picture.size) == ("WEBP", (500, 500))
    assert Account.objects.get(user__username="admin").balance == 990


def test_run_feature__text__saved_and_marked_as_mock(demo, tmp_path, capsys):
    out = tmp_path / "copy.md"

    call_command(
        "run_feature", "copywriter", "--input", "product=A brass lamp", "--out", out, "--json", "--user", "member"
    )

    told = json.loads(capsys.readouterr().out)
    assert (told["mock"], told["model_used"]) == (True, "paiban-mock")
    assert "A brass lamp" in out.read_text()
    assert Account.objects.get(user=User.objects.get(username="member")).balance == 998


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nothing"], "CORE_2013"),
        (["copywriter"], "TASKS_2002"),
        (["copywriter", "--input", "product=x"], "TASKS_2002"),
    ],
)
def test_run_feature__refused__exit_code_1_and_the_reason(demo, capsys, arguments, code):
    with pytest.raises(SystemExit) as ended:
        call_command("run_feature", *arguments, "--json")

    assert ended.value.code == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == code
    assert not Task.objects.exists()


def test_run_feature__no_such_file__exit_code_1(demo, capsys):
    with pytest.raises(SystemExit) as ended:
        call_command("run_feature", "product-photo", "--file", "image=/no/such/photo.jpg", "--json")

    assert ended.value.code == 1
    assert "photo.jpg" in json.loads(capsys.readouterr().out)["error"]["message"]
