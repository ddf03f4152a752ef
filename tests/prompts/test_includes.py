"""Prompts that include prompts: only from the texts of the call, within limits, with their variables."""

import threading
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from apps.prompts.errors import TemplateInvalid, VariableMissing
from apps.prompts.includes import MAX_DEPTH, MAX_INCLUDED, Include
from apps.prompts.inclusion import inclusion_problems
from apps.prompts.models import Prompt
from apps.prompts.services import collect_prompts, fill_prompt
from apps.prompts.templates import includes_of, render, variables_of
from apps.prompts.variables import fits, needed_by
from tests.features.builders import make_prompt


def prompts(**bodies: str) -> dict[str, dict[str, Any]]:
    return {key: {"system": "", "body": body, "variables": []} for key, body in bodies.items()}


def bring(*keys: str) -> str:
    return "".join(f"{{% render '{key}' %}}" for key in keys)


def told(**bodies: str) -> list[tuple[str, str, str]]:
    return [(p.code, p.key, p.field) for p in inclusion_problems(prompts(**bodies))]


@pytest.mark.parametrize(
    ("source", "texts", "result"),
    [
        ("{% render 'tone' %}", {"tone": "Be kind."}, "Be kind."),
        ("{% include 'tone' %}", {"tone": "Be kind."}, "Be kind."),
        ("{% render 'tone' %}", {"tone": "Be {{ mood }}."}, "Be calm."),
        ("{% render 'tone', mood: 'brisk' %}", {"tone": "Be {{ mood }}."}, "Be brisk."),
        ("{% render 'line' for items %}", {"line": "-{{ line }}"}, "-1-2"),
        ("{% render 'line' with mood as how %}", {"line": "{{ how }}"}, "calm"),
        ("{% assign x = 1 %}{% include 'x' %}", {"x": "{{ x }}"}, "1"),
        ("{% render 'a' %}", {"a": "a{% render 'b' %}", "b": "b{% render 'c' %}", "c": "c"}, "abc"),
        ("{% for i in items %}{% render 'tone', i: i %}{% endfor %}", {"tone": "{{ i }};"}, "1;2;"),
    ],
)
def test_render__included_text__is_exact(source, texts, result):
    assert render(source, {"mood": "calm", "items": [1, 2]}, texts=texts) == result


def test_render__local_of_the_including_text__does_not_reach_a_rendered_one():
    with pytest.raises(VariableMissing):
        render("{% assign x = 1 %}{% render 'x' %}", {}, texts={"x": "{{ x }}"})


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{% render 'tone' %}", "there is no prompt “tone” to include"),
        ("{% include 'tone' %}", "there is no prompt “tone” to include"),
        ("{% include name %}", "write the prompt's key in quotes"),
        ("{% render name %}", "write the prompt's key in quotes"),
        ("{% include names[0] %}", "write the prompt's key in quotes"),
    ],
)
def test_render__name_unknown_or_computed__is_refused(source, words):
    with pytest.raises(TemplateInvalid) as refused:
        render(source, {"name": "other", "names": ["other"]}, texts={"other": "secret"})

    assert words in refused.value.text()


def test_render__two_snapshots__are_never_mixed():
    seen: dict[int, set[str]] = {}

    def work(number: int) -> None:
        texts = {"part": f"{number} {{% render 'end' %}}", "end": f"end {number}"}
        seen[number] = {render("{% render 'part' %}", {}, texts=texts) for _ in range(50)}

    workers = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert seen == {number: {f"{number} end {number}"} for number in range(4)}


@given(st.lists(st.text(alphabet="ab{}% ", max_size=8), min_size=2, max_size=2))
def test_render__same_names_other_texts__each_call_sees_its_own(bodies):
    for body in bodies:
        texts = {"a": "{% raw %}" + body + "{% endraw %}"}
        assert render("{% render 'a' %}", {}, texts=texts) == body


LEVELS = {f"l{i}": bring(*[f"l{i + 1}"] * 10) for i in range(9)} | {"l9": ""}
BOMBS = {
    "laughs": LEVELS,
    "laughs by include": {key: text.replace("render", "include") for key, text in LEVELS.items()},
    "lists of lists": {f"l{i}": f"{{% render 'l{i + 1}' for many %}}" for i in range(3)} | {"l3": ""},
    "itself": {"l0": bring("l0", "l0")},
    "each other": {"l0": bring("l1"), "l1": bring("l0")},
    "too deep": {f"l{i}": bring(f"l{i + 1}") for i in range(MAX_DEPTH + 1)} | {f"l{MAX_DEPTH + 1}": "end"},
    "long": {"l0": "{% for i in many %}{% render 'l1' %}{% endfor %}", "l1": "x" * 10_000},
}


@pytest.mark.parametrize("name", BOMBS)
def test_render__include_bomb__is_stopped(name):
    with pytest.raises(TemplateInvalid):
        render("{% render 'l0' %}", {"many": list(range(900))}, texts=BOMBS[name])


def test_render__as_deep_as_allowed__is_rendered():
    texts = {f"l{i}": f"{{% for i in one %}}{bring(f'l{i + 1}')}{{% endfor %}}" for i in range(MAX_DEPTH - 1)}

    assert render(bring("l0"), {"one": [1]}, texts=texts | {f"l{MAX_DEPTH - 1}": "end"}) == "end"


def test_includes__source__are_named_in_order():
    source = "{% if a %}{% render 'x' %}{% else %}{% include 'y' %}{% endif %}{% render 'x' %}"

    assert includes_of(source) == (Include("render", "x"), Include("include", "y"), Include("render", "x"))


def test_variables__included__count_unless_they_are_passed():
    texts = {"tone": "{{ mood }}{{ place.name }}"}

    assert variables_of("{{ a }}{% render 'tone', mood: b %}", texts=texts) == {("a",), ("b",), ("place", "name")}
    with pytest.raises(TemplateInvalid, match="no prompt"):
        variables_of("{% render 'ghost' %}")


@pytest.mark.parametrize(
    ("bodies", "problems"),
    [
        ({"a": bring("b"), "b": "text"}, []),
        ({"a": bring("ghost")}, [("E_INCLUDE_UNKNOWN", "a", "body")]),
        ({"a": bring("a")}, [("E_INCLUDE_CYCLE", "a", "body")]),
        (
            {"p": bring("a"), "a": bring("b"), "b": bring("a")},
            [("E_INCLUDE_CYCLE", "a", "body"), ("E_INCLUDE_CYCLE", "b", "body")],
        ),
        (BOMBS["too deep"] | {"l11": ""}, [("E_INCLUDE_DEPTH", "l0", "body")]),
        ({"a": bring("b"), "b": "{% include 'c' %}", "c": ""}, [("E_INCLUDE_IN_RENDER", "b", "body")]),
        ({"a": "{% include 'b' %}", "b": "{% include 'c' %}", "c": bring("d"), "d": ""}, []),
        ({"a": "{{ broken"}, []),
    ],
)
def test_inclusion__prompts__are_judged_together(bodies, problems):
    assert told(**bodies) == problems


def test_inclusion__circle__is_told_as_a_chain():
    (first, _second) = inclusion_problems(prompts(a=bring("b"), b=bring("a")))

    assert first.message == "These prompts include each other in a circle: a → b → a."


def test_inclusion__laughs__are_too_many_from_the_fourth_level_up():
    assert told(**LEVELS) == [("E_INCLUDE_TOO_MANY", f"l{i}", "body") for i in range(7)]
    assert 10 + 100 + 1000 > MAX_INCLUDED > 10 + 100


GIVEN = {
    "main": {
        "system": "",
        "body": "{{ product }} {% render 'style', length: 'short' %}",
        "variables": [{"name": "product"}, {"name": "mood", "default": "calm"}],
    },
    "style": {
        "system": "not included",
        "body": "{{ mood }}, {{ length }}, {{ place }}",
        "variables": [{"name": "mood"}, {"name": "length"}, {"name": "place"}],
    },
}


def test_fill__included__has_its_own_variables_and_the_nearer_declaration_wins():
    names = {v["name"]: v for v in needed_by(GIVEN["main"], GIVEN)}

    assert names == {
        "product": {"name": "product"},
        "mood": {"name": "mood", "default": "calm"},
        "place": {"name": "place"},
    }
    filled = fill_prompt(GIVEN["main"], {"product": "mug", "place": "Jena"}, prompts=GIVEN)
    assert (filled.system, filled.body) == ("", "mug calm, short, Jena")
    with pytest.raises(VariableMissing, match="place"):
        fill_prompt(GIVEN["main"], {"product": "mug"}, prompts=GIVEN)


def test_fill__released__reads_no_row(db):
    make_prompt("style", body="of the database")

    with CaptureQueriesContext(connection) as seen:
        filled = fill_prompt(GIVEN["main"], {"product": "mug", "place": "Jena"}, prompts=GIVEN)

    assert (len(seen), filled.body) == (0, "mug calm, short, Jena")


def test_collect__chain__takes_one_query_a_level(db):
    for letter, following in zip("abcd", "bcde", strict=True):
        make_prompt(letter, body=bring(following, "shared"), variables=[])
    make_prompt("e", body="end")
    make_prompt("shared", body="{{ broken")
    make_prompt("unused")

    with CaptureQueriesContext(connection) as seen:
        found = collect_prompts(["a", "ghost"])

    assert list(found) == ["a", "b", "c", "d", "e", "shared"]
    assert len(seen) == 5


def test_collect__endless_chain_or_circle__ends(db):
    for number in range(20):
        make_prompt(f"l{number}", body=bring(f"l{number + 1}"))

    assert len(collect_prompts(["l0"])) == MAX_DEPTH + 2
    Prompt.objects.filter(key="l3").update(body=bring("l0"))
    assert sorted(collect_prompts(["l0"])) == ["l0", "l1", "l2", "l3"]


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        ("x", {"string"}),
        (1, {"integer", "number"}),
        (1.5, {"number"}),
        (True, {"boolean"}),
        ([], {"array"}),
        ({}, {"object"}),
        (None, set()),
    ],
)
def test_fits__value__is_of_its_types_and_no_other(value, kinds):
    every = ("string", "integer", "number", "boolean", "array", "object")

    assert {kind for kind in every if fits(value, kind)} == kinds
