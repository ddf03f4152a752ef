"""Delay and questions to people: a step ends with a pause, and is run again with what came."""

from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import Answer, Asked, Slept, Woken, known_names
from apps.pipelines.nodes.errors import NobodyAnswered, TimeInvalid
from tests.pipelines.nodes.context import arun, mistakes

run = async_to_sync(arun)
NOW = datetime(2026, 1, 31, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.mark.parametrize(
    ("config", "until"),
    [
        ({"seconds": 90}, NOW + timedelta(seconds=90)),
        ({"until": "2026-02-01T09:00:00Z"}, NOW + timedelta(days=1)),
        ({"until": "2026-02-01T09:00:00"}, NOW + timedelta(days=1)),
        ({"until": "{{ time }}"}, NOW + timedelta(hours=3)),
    ],
)
def test_delay__in_the_future__sleeps_until_then(config, until):
    with pytest.raises(Slept) as pause:
        run("delay", config, {"time": "2026-01-31T14:00:00+02:00"})

    assert pause.value.until == until


def test_delay__woken__goes_on():
    assert run("delay", {"seconds": 90}, {}, resumed=Woken(NOW)).output == {"until": NOW.isoformat()}


def test_delay__time_is_over_already__goes_on_at_once():
    assert run("delay", {"until": "2025-01-01T00:00:00Z"}, {}).output == {"until": "2025-01-01T00:00:00+00:00"}


@pytest.mark.parametrize("until", ["soon", "2026-02-31T09:00:00Z", "2027-01-01T00:00:00Z", "", "5"])
def test_delay__no_time_or_too_far__is_refused(until):
    with pytest.raises(TimeInvalid):
        run("delay", {"until": "{{ time }}"}, {"time": until})


@pytest.mark.parametrize("config", [{}, {"seconds": 5, "until": "{{ t }}"}])
def test_delay__nothing_or_both__is_a_mistake(config):
    assert mistakes("delay", config) == [("seconds", "E_DELAY_TIME")]


def test_delay__fixed_time_that_is_none__is_a_mistake():
    assert mistakes("delay", {"until": "tomorrow"}) == [("until", "E_DELAY_TIME")]


# --- people ---------------------------------------------------------------------------------------

FORM = {"type": "object", "properties": {"text": {"type": "string"}, "stars": {"type": "integer"}}}
QUESTION = {"title": {"en": "Fine?"}, "form": FORM, "deadline": "PT24H", "who": "staff"}


def test_human_input__first__asks_with_the_inputs_filled_in():
    with pytest.raises(Asked) as asked:
        run("human_input", QUESTION, {"text": "Hello"})

    pause = asked.value
    assert (pause.title, pause.options, pause.who) == ({"en": "Fine?"}, ("approve", "reject"), "staff")
    assert pause.deadline_at == NOW + timedelta(hours=24)
    assert pause.form["properties"] == {"text": {"type": "string", "default": "Hello"}, "stars": {"type": "integer"}}


def test_human_input__answered__goes_the_chosen_way():
    answer = Answer({"text": "Good", "stars": 5}, "approve", "7", NOW)

    result = run("human_input", QUESTION, {}, resumed=answer)

    assert result.branch == "approve"
    assert result.output == {"text": "Good", "stars": 5, "option": "approve", "by": "7", "timed_out": False}


@pytest.mark.parametrize(("default", "way"), [("reject", "reject"), ("", "timeout")])
def test_human_input__nobody_answers_and_an_option_stands__goes_that_way(default, way):
    config = {**QUESTION, "on_timeout": "option", "default": default}

    result = run("human_input", config, {}, resumed=Answer({}, default, "", NOW, timed_out=True))

    assert (result.branch, result.output) == (way, {"option": way, "by": "", "timed_out": True})


def test_human_input__nobody_answers__fails():
    with pytest.raises(NobodyAnswered):
        run("human_input", QUESTION, {}, resumed=Answer({}, "", "", NOW, timed_out=True))


@pytest.mark.parametrize(
    ("more", "ways"),
    [
        ({}, ("approve", "reject")),
        ({"on_timeout": "option", "default": "reject"}, ("approve", "reject")),
        ({"on_timeout": "option"}, ("approve", "reject", "timeout")),
        ({"options": "no"}, ()),
        ({"options": ["a", 5]}, ("a",)),
    ],
)
def test_human_input__ways__are_the_options(more, ways):
    assert node_types()["human_input"].ways(more) == ways


@pytest.mark.parametrize("deadline", ["", "soon", "24", "P31D", "PT0S", "-PT5M", "P1D trailing"])
def test_human_input__deadline_missing_or_odd__is_a_mistake(deadline):
    assert mistakes("human_input", {"deadline": deadline}) == [("deadline", "E_HUMAN_DEADLINE")]


def test_human_input__options_and_default__have_to_fit():
    config = {"deadline": "P1D", "options": ["yes", "yes", "No way", "timeout"], "default": "maybe"}

    assert mistakes("human_input", config) == [
        ("options.0", "E_HUMAN_OPTION"),
        ("options.1", "E_HUMAN_OPTION"),
        ("options.2", "E_HUMAN_OPTION"),
        ("options.3", "E_HUMAN_OPTION"),
        ("default", "E_HUMAN_DEFAULT"),
    ]


def test_human_input__produces__the_form_and_what_was_chosen():
    node = node_types()["human_input"]

    found = node.produces(node.Config.model_validate(QUESTION), {})

    assert known_names(found) == {"text", "stars", "option", "by", "timed_out"}
