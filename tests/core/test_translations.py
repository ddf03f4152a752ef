"""Every word of ours, and of the admin's theme, has a Chinese one; what is compiled is what was written."""

import ast
import gettext
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.template.loader import get_template
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.translation.template import templatize

from apps.accounts.models import User
from apps.core.errors import CATALOGUE
from tests.features.builders import make_feature

LOCALE = Path(settings.BASE_DIR) / "locale" / "zh_Hans" / "LC_MESSAGES"
MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop"}
COUNTED = {"ngettext", "ngettext_lazy"}
PLACEHOLDER = re.compile(r"%\((\w+)\)|\{(\w*)\}")
UNUSED_PARTS = ("contrib/constance", "contrib/import_export", "unfold_crispy")  # of unfold, not installed here


def parse_po(text: str) -> Iterator[dict[str, str]]:
    """Each live entry: its flags under `,` and its strings under their keywords."""
    for block in re.split(r"\n\s*\n", text):
        entry: dict[str, str] = {",": ""}
        keyword = ""
        for line in block.splitlines():
            if line.startswith("#,"):
                entry[","] += line
            elif found := re.match(r'(msg\w+(?:\[\d\])?) (".*")$', line):
                keyword = found[1]
                entry[keyword] = ast.literal_eval(found[2])
            elif line.startswith('"'):
                entry[keyword] += ast.literal_eval(line)
        if "msgid" in entry:
            yield entry


def marked_in_python(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            first = node.args[0]
            if node.func.id in MARKS | COUNTED and isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def marked_in_template(source: str) -> Iterator[str]:
    """As `makemessages` does it: the template becomes calls of gettext among noise."""
    prepared = templatize(source)
    for call in re.finditer(r"\b(?:gettext|ngettext|_)\((u?(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'))", prepared):
        yield ast.literal_eval(call[1].removeprefix("u"))


def marked(root: Path) -> set[str]:
    found = set()
    for path in root.rglob("*"):
        inner = path.relative_to(root).as_posix()
        if "migrations/" in inner or inner.startswith(UNUSED_PARTS) or "unfold_crispy" in inner:
            continue
        if path.suffix == ".py":
            found |= set(marked_in_python(path.read_text(encoding="utf-8")))
        elif path.suffix == ".html":
            found |= set(marked_in_template(path.read_text(encoding="utf-8")))
    return found - {""}


def ours() -> set[str]:
    return set().union(*(marked(Path(settings.BASE_DIR) / folder) for folder in ("apps", "config", "templates")))


@pytest.fixture(scope="module")
def catalogue() -> dict[str, dict[str, str]]:
    entries = list(parse_po((LOCALE / "django.po").read_text(encoding="utf-8")))
    assert len(entries) == len({entry["msgid"] for entry in entries})
    return {entry["msgid"]: entry for entry in entries}


def text_of(entry: dict[str, str]) -> str:
    return entry.get("msgstr", entry.get("msgstr[0]", ""))


def test_every_word_of_ours__has_a_translation(catalogue: dict[str, dict[str, str]]) -> None:
    wanted = ours()

    assert len(wanted) > 300
    assert sorted(wanted - set(catalogue)) == []


def test_every_entry__is_translated_and_certain(catalogue: dict[str, dict[str, str]]) -> None:
    assert [msgid for msgid, entry in catalogue.items() if not text_of(entry)] == []
    assert [msgid for msgid, entry in catalogue.items() if "fuzzy" in entry[","]] == []


def test_every_entry__keeps_the_placeholders(catalogue: dict[str, dict[str, str]]) -> None:
    def names(text: str) -> set[tuple[str, ...]]:
        return set(PLACEHOLDER.findall(text.replace("{{", "")))

    def said(msgid: str, entry: dict[str, str]) -> str:
        """An English singular may leave the number out; Chinese has only the plural."""
        return entry.get("msgid_plural", msgid)

    assert [i for i, entry in catalogue.items() if i and names(said(i, entry)) != names(text_of(entry))] == []


def test_every_word_of_the_theme__is_translated() -> None:
    spec = find_spec("unfold")
    assert spec is not None
    assert spec.origin is not None

    with translation.override("zh-hans"):
        shown = translation.trans_real.catalog()._catalog  # type: ignore[attr-defined]
        missing = {
            msgid for msgid in marked(Path(spec.origin).parent) if msgid not in shown and (msgid, 0) not in shown
        }

    assert sorted(missing) == []


def test_compiled_catalogue__is_what_is_written(catalogue: dict[str, dict[str, str]]) -> None:
    with (LOCALE / "django.mo").open("rb") as file:
        compiled: dict[Any, str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]

    written = {(msgid, 0) if "msgid_plural" in entry else msgid: text_of(entry) for msgid, entry in catalogue.items()}
    assert {key: text for key, text in compiled.items() if key} == {k: t for k, t in written.items() if k}


def test_every_error__speaks_chinese() -> None:
    with translation.override("zh-hans"):
        silent = [code for code, kind in CATALOGUE.items() if not re.search("[一-鿿]", str(kind.message))]

    assert silent == ["MCP_2001"]  # the tool's own words


# --- where it is read ------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh-CN", "zh-hans", "zh-CN,zh;q=0.9,en;q=0.8"])
def test_api__wrong_password__is_refused_in_chinese(api: Any, member: User, language: str) -> None:
    answer = api(None).post(
        "/api/v1/auth/login",
        json={"username": "mia", "password": "wrong"},
        headers={"Accept-Language": language},
    )

    assert answer.json()["code"] == "ACCOUNTS_2001"
    assert answer.json()["message"] == "用户名或密码不正确，请检查后重试。"


def test_api__input_that_does_not_fit__fields_are_named_in_chinese(api: Any, member: User) -> None:
    make_feature(published=True)

    answer = api(member).post(
        "/api/v1/tasks",
        json={"feature": "greeter", "input": {}},
        headers={"Accept-Language": "zh-CN", "Idempotency-Key": "a"},
    )

    assert answer.json()["code"] == "TASKS_2002"
    assert answer.json()["message"] == "有些字段需要修改。"
    assert [error["message"] for error in answer.json()["details"]["errors"]] == ["此项必填。"]


def test_admin__language_switch__turns_every_page_chinese(client: Client, operator: User) -> None:
    client.force_login(operator)

    client.post(reverse("set_language"), {"language": "zh-hans", "next": "/admin/"})
    page = client.get(reverse("admin:index")).content.decode()

    assert '<html lang="zh-hans"' in page
    for words in ("概览", "功能", "流水线", "提示词", "积分", "还没有功能。", "浅色"):
        assert words in page


def test_admin__without_a_choice__follows_the_browser(client: Client) -> None:
    page = client.get(reverse("admin:login"), headers={"Accept-Language": "zh-CN"}).content.decode()

    assert "欢迎回到" in page


def test_templates__all_of_ours__load() -> None:
    root = Path(settings.BASE_DIR) / "templates"

    for path in root.rglob("*.html"):
        get_template(path.relative_to(root).as_posix())
