"""What the image tools say, in the task's language."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import translation

from apps.core import aio
from apps.core.errors import CATALOGUE
from apps.pipelines.graph import parse_graph
from apps.tasks import services
from apps.tasks.journal import RunJournal
from apps.tasks.models import Event, Task
from apps.tasks.tool_words import PROGRESS, REFUSALS, in_language
from tests.tasks.builders import echo_graph, make_feature, make_task

SPEAKERS = {"report": 1, "report_progress": 2, "ImageToolError": 0}  # the argument that holds the words


def spoken() -> Iterator[tuple[str, str]]:
    """Who is called with which words, all over the tool server."""
    for path in (Path(settings.BASE_DIR) / "apps/mcp/image_tools").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {
            node.targets[0].id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            if name in SPEAKERS and len(call.args) > SPEAKERS[name]:
                words = call.args[SPEAKERS[name]]
                words = named.get(words.id, words) if isinstance(words, ast.Name) else words
                if isinstance(words, ast.Constant):
                    yield name, words.value


def test_listed_words__are_what_the_tools_say() -> None:
    said = list(spoken())

    assert {words for name, words in said if name != "ImageToolError"} == set(PROGRESS)
    assert {words for name, words in said if name == "ImageToolError"} == set(REFUSALS)


@pytest.mark.parametrize("words", [*PROGRESS, *REFUSALS])
def test_known_words__come_out_in_chinese(words: str) -> None:
    assert in_language(words, "zh-hans") != words
    assert in_language(words, "en") == words


def test_other_words__stay_as_they_came() -> None:
    assert in_language("Counting sheep", "zh-hans") == "Counting sheep"
    assert in_language("", "zh-hans") == ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("language", "told"), [("zh-hans", "正在识别商品"), ("en", "Finding the product")])
def test_progress__another_language_is_active__the_task_s_own_is_told(member: Any, language: str, told: str) -> None:
    make_feature()
    task = make_task(member)
    Task.objects.filter(pk=task.pk).update(language=language)
    claimed = services.claim_task(str(task.pk), owner="w")
    assert claimed is not None
    store = RunJournal(claimed, parse_graph(echo_graph()))

    with translation.override("en" if language == "zh-hans" else "zh-hans"):
        aio.run(store.progress("start", 0.5, "Finding the product"))

    assert Event.objects.get(task=task, type="progress").data["message"] == told


def test_refusal__is_told_in_the_active_language() -> None:
    with translation.override("zh-hans"):
        error = CATALOGUE["MCP_2001"](what=translation.gettext(REFUSALS[4]))

    assert error.text() == "图片没有内容：全部是透明的。"
