"""Saved cases: checks as data, runs bound to content and model, and the gate at publishing."""

import asyncio
import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse

from apps.core import assets
from apps.core.config import reader
from apps.core.publishing.errors import BreakUnconfirmed, NoteNeeded
from apps.core.publishing.models import Head, Plan, Release
from apps.core.publishing.services import plan_release, start_rollout
from apps.features.publishing import SCOPE
from apps.features.services import publish_feature
from apps.prompts import asking
from apps.prompts.checking import Reply, case_mistakes, judge
from apps.prompts.errors import CaseInvalid, CaseNameTaken, NoCases, PromptVersionUnknown, TooManyCases
from apps.prompts.gate import p95
from apps.prompts.models import CaseRun, PromptCase
from apps.prompts.services import cancel_run, draft, move_label, save_version, start_run, update_prompt
from apps.prompts.worker import run_cases
from apps.providers.errors import NoRoute, UpstreamFailed
from apps.providers.types import Answer
from tests.conftest import Api, make_user
from tests.features.builders import make_feature, make_model
from tests.prompts.builders import change, make_case, make_greeting, make_label, make_versions

BASE = "/api/v1/admin/prompts/greeting/cases"


# --- checks -----------------------------------------------------------------------------------

REPLY = Reply('{"cup": 3}', latency_ms=120, cost_micro=7)
HOLD = [
    {"type": "contains", "value": "cup"},
    {"type": "not_contains", "value": "mug"},
    {"type": "equals", "value": ' {"cup": 3}\n'},
    {"type": "regex", "pattern": '"cup": [0-9]+'},
    {"type": "json_schema", "schema": {"type": "object", "required": ["cup"]}},
    {"type": "min_length", "value": 10},
    {"type": "max_length", "value": 10},
    {"type": "max_latency_ms", "value": 120},
    {"type": "max_cost_micro", "value": 7},
]
FAIL = [
    {"type": "contains", "value": "Cup"},
    {"type": "not_contains", "value": "cup"},
    {"type": "equals", "value": "cup"},
    {"type": "regex", "pattern": "^cup"},
    {"type": "json_schema", "schema": {"type": "array"}},
    {"type": "min_length", "value": 11},
    {"type": "max_length", "value": 9},
    {"type": "max_latency_ms", "value": 119},
    {"type": "max_cost_micro", "value": 6},
]


@pytest.mark.parametrize("check", HOLD, ids=lambda check: check["type"])
def test_judge__what_holds__passes(check):
    assert case_mistakes({}, [check]) == []
    assert [verdict.passed for verdict in judge([check], REPLY)] == [True]


@pytest.mark.parametrize("check", FAIL, ids=lambda check: check["type"])
def test_judge__what_does_not_hold__fails_and_says_what_was_given(check):
    verdict = judge([check], REPLY)[0]

    assert (verdict.passed, bool(verdict.given)) == (False, True)


def test_judge__unknown_cost__passes_no_limit():
    assert not judge([{"type": "max_cost_micro", "value": 10**9}], Reply("x", 1))[0].passed


@pytest.mark.parametrize("text", ["no json", "{", "[" * 100_000])
def test_judge__no_json__fails_a_schema(text):
    assert not judge([{"type": "json_schema", "schema": {}}], Reply(text, 1))[0].passed


def test_judge__pattern_that_ruins_backtrackers__is_decided():
    evil = {"type": "regex", "pattern": "^(a+)+$"}

    assert not judge([evil], Reply("a" * 100_000 + "!", 1))[0].passed


@pytest.mark.parametrize(
    ("check", "pointer"),
    [
        ({"type": "eval", "value": "1"}, "/checks/0/type"),
        ({"type": "judge", "value": "is it nice?"}, "/checks/0/type"),
        ({"value": "1"}, "/checks/0/type"),
        ("contains", "/checks/0/type"),
        ({"type": "contains"}, "/checks/0/value"),
        ({"type": "contains", "value": ""}, "/checks/0/value"),
        ({"type": "contains", "value": "a", "code": "x"}, "/checks/0/code"),
        ({"type": "max_length", "value": -1}, "/checks/0/value"),
        ({"type": "max_length", "value": True}, "/checks/0/value"),
        ({"type": "regex", "pattern": "("}, "/checks/0/pattern"),
        ({"type": "regex", "pattern": "(?=a)b"}, "/checks/0/pattern"),
        ({"type": "regex", "pattern": "(a)\\1"}, "/checks/0/pattern"),
        ({"type": "regex", "pattern": "(x{1000}){1000}"}, "/checks/0/pattern"),
        ({"type": "json_schema", "schema": {"type": 5}}, "/checks/0/schema"),
        ({"type": "json_schema", "schema": {"$ref": "http://127.0.0.1/x"}}, "/checks/0/schema"),
        ({"type": "json_schema", "schema": []}, "/checks/0/schema"),
    ],
)
def test_create__bad_check__is_named_and_nothing_made(model, check, pointer):
    with pytest.raises(CaseInvalid) as refused:
        make_case(name="bad", checks=[check])

    assert [error["pointer"] for error in refused.value.details["errors"]] == [pointer]
    assert PromptCase.objects.count() == 1


def test_create__taken_name_or_too_many__is_refused(model, monkeypatch):
    with pytest.raises(CaseNameTaken):
        make_case()
    monkeypatch.setattr("apps.prompts.services.cases.MAX_CASES", 1)
    with pytest.raises(TooManyCases):
        make_case(name="second")

    assert PromptCase.objects.count() == 1


# --- runs -------------------------------------------------------------------------------------


def test_run__all_pass__is_kept_with_what_it_is_bound_to(model, editor):
    run = run_cases("greeting", by=editor)

    assert (run.passed, run.share, run.model, run.by, run.reasons) == (True, 100, "mock-1", editor, [])
    assert model.asked == [("mock-1", "Greet Mia.", None)]
    assert run.results[0]["output"] == "Hello Greet Mia."
    assert run.results[0]["tokens"] == {"input": 10, "output": 5}


def test_run__failing_case__says_what_was_expected_and_given(model):
    model.answers = ["Hello nobody"]

    run = run_cases("greeting", by=None)

    assert (run.passed, run.share, run.reasons) == (False, 0, ["share"])
    assert run.results[0]["checks"] == [
        {"type": "contains", "passed": False, "expected": "Mia", "given": "Hello nobody"}
    ]


def test_run__upstream_fails_or_a_value_is_missing__is_the_cases_result(model):
    make_case(name="nameless", values={})
    model.answers = [UpstreamFailed(endpoint="mock", what="down")]

    run = run_cases("greeting", by=None)

    assert {result["case"]: result["error"]["code"] for result in run.results} == {
        "Mia": "PROVIDERS_5001",
        "nameless": "PROMPTS_2002",
    }
    assert not run.passed


def test_run__time_is_over__is_the_cases_result(model, monkeypatch):
    async def never(_request: Any, _ask: Any) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(asking, "chat", never)
    monkeypatch.setattr(asking, "CASE_SECONDS", 0.0)

    run = run_cases("greeting", by=None)

    assert (run.passed, run.results[0]["error"]["code"]) == (False, "PROMPTS_5001")


def test_run__thresholds__decide(model):
    make_case(name="hard", checks=[{"type": "contains", "value": "never"}])
    make_case(name="not counted", checks=[{"type": "contains", "value": "never"}], gated=False)
    model.cost = 20

    assert run_cases("greeting", by=None).reasons == ["share"]
    change("greeting", gate_share=50, gate_cost_micro=40)
    passed = run_cases("greeting", by=None)
    change("greeting", gate_cost_micro=39)
    dear = run_cases("greeting", by=None)

    assert (passed.passed, passed.share, passed.cost_micro) == (True, 50, 40)
    assert (dear.passed, dear.reasons) == (False, ["cost"])


def test_run__unknown_price_under_a_limit__does_not_pass(model):
    change("greeting", gate_cost_micro=10**9)

    assert run_cases("greeting", by=None).reasons == ["cost_unknown"]


def test_run__defaults__are_asked_for(model):
    change("greeting", model_defaults={"temperature": 0.5, "model": "mock-1"})

    run_cases("greeting", by=None)

    assert model.asked == [("mock-1", "Greet Mia.", 0.5)]


def test_run__label__is_that_versions_text(model):
    save_version("greeting", by=None)
    move_label("greeting", "production", to=1, by=None)
    change("greeting", body="Other {{ name }}.")

    run = run_cases("greeting@production", by=None)

    assert (run.reference, model.asked[0][1]) == ("greeting@production", "Greet Mia.")


@pytest.mark.parametrize("latencies", [[], [5], [1, 2, 3], list(range(1, 101))])
def test_p95__latencies__is_the_nearest_rank(latencies):
    assert p95(latencies) == {0: 0, 1: 5, 3: 3, 100: 95}[len(latencies)]


def test_run__nothing_to_run__is_refused(model):
    make_greeting("bare")

    with pytest.raises(NoCases):
        run_cases("bare", by=None)
    with pytest.raises(PromptVersionUnknown):
        run_cases("greeting@9", by=None)
    with pytest.raises(NoRoute):
        run_cases("greeting", model="nobody", by=None)

    assert not CaseRun.objects.exists()


# --- the gate ---------------------------------------------------------------------------------


def gate(key: str = "greeter") -> list[tuple[str, str, str]]:
    from apps.core.publishing.services import preview

    return [(p.code, p.path, p.level) for p in preview(SCOPE, key).problems if p.code.startswith("E_CASES")]


NOT_RUN = [("E_CASES_NOT_RUN", "/prompts/greeting", "break")]
FAILED = [("E_CASES_FAILED", "/prompts/greeting", "break")]


def test_gate__passing_run_of_this_text__lets_through(model):
    make_feature()
    before = gate()

    run_cases("greeting", by=None)

    assert (before, gate()) == (NOT_RUN, [])


@pytest.mark.parametrize(
    "change_it",
    [
        lambda: change("greeting", body="Hail {{ name }}."),
        lambda: PromptCase.objects.update(values={"name": "Leo"}),
        lambda: make_case(name="another"),
        lambda: update_prompt("greeting", {"gate_share": 90}, expected_revision=draft("greeting").revision, by=None),
        lambda: make_model("newer", priority=1),
    ],
    ids=["text", "values", "case", "threshold", "model"],
)
def test_gate__anything_changed_since__asks_for_another_run(model, change_it):
    make_feature()
    run_cases("greeting", by=None)

    change_it()
    reader.reset()

    assert gate() == NOT_RUN


def test_gate__included_text_changed__asks_for_another_run(model):
    make_greeting("tone", body="Kindly.", variables=[])
    change("greeting", body="{% render 'tone' %} {{ name }}")
    make_feature()
    run_cases("greeting", by=None)
    before = gate()

    change("tone", body="Gladly.")

    assert (before, gate()) == ([], NOT_RUN)


def test_gate__name_changed__asks_for_nothing(model):
    make_feature()
    run_cases("greeting", by=None)

    change("greeting", name="Renamed")

    assert gate() == []


def test_gate__newest_run_failed__names_the_failing_cases(model):
    make_feature()
    run_cases("greeting", by=None)
    model.answers = ["no"]
    run_cases("greeting", by=None)

    with pytest.raises(BreakUnconfirmed) as refused:
        publish_feature("greeter", by=None)

    assert gate() == FAILED
    assert "“Mia”" in next(p["message"] for p in refused.value.details["problems"] if p["code"] == "E_CASES_FAILED")
    assert not Head.objects.filter(scope=SCOPE).exists()


def test_gate__no_gated_case__asks_for_nothing(model):
    PromptCase.objects.update(gated=False)
    make_feature()

    assert gate() == []


def test_gate__label_with_the_drafts_text__counts_the_drafts_run(model):
    save_version("greeting", by=None)
    make_label("greeting", "production", 1)
    feature = make_feature()
    feature.pipeline.graph["nodes"][1]["config"]["prompt"] = "greeting@production"
    feature.pipeline.save()

    before = gate()
    run_cases("greeting", by=None)

    assert (before, gate()) == ([("E_CASES_NOT_RUN", "/prompts/greeting@production", "break")], [])


def confirmed() -> list[tuple[Any, str, list[str]]]:
    rows = Release.objects.filter(scope=SCOPE).order_by("revision").select_related("by")
    return [(row.by, row.note, [p["code"] for p in row.details.get("confirmed", [])]) for row in rows]


def test_override__publish__leaves_who_why_and_which_problems(model, operator):
    make_feature()

    publish_feature("greeter", by=operator, note="fair tomorrow", confirm=True)

    assert confirmed() == [(operator, "fair tomorrow", ["E_CASES_NOT_RUN"])]


def test_override__nothing_to_confirm__leaves_nothing(model, operator):
    make_feature()
    run_cases("greeting", by=None)

    publish_feature("greeter", by=operator, note="all fine", confirm=True)

    assert confirmed() == [(operator, "all fine", [])]


def test_override__gradual_release__leaves_it_too(model, operator):
    make_feature()

    start_rollout(SCOPE, "greeter", by=operator, percent=10, note="fair tomorrow", confirm=True)

    assert confirmed() == [(operator, "fair tomorrow", ["E_CASES_NOT_RUN"])]


def test_override__approved_plan__leaves_it_too(model, operator):
    from apps.core.publishing.services import approve_plan

    make_feature()
    plan = plan_release(SCOPE, "greeter", by=operator, ask=True, note="asked for it", confirm=True)

    approve_plan(plan.pk, by=make_user("second", role="admin"))

    assert confirmed() == [(operator, "asked for it", ["E_CASES_NOT_RUN"])]


def test_gate__more_cases_and_runs__takes_as_many_queries(model, django_assert_num_queries):
    from apps.features.checks.cases import cases_pass
    from apps.features.closure import collect
    from apps.features.models import Feature

    make_feature()
    payload = collect(Feature.objects.get())
    for number in range(3):
        make_case(name=f"more {number}")
    run_cases("greeting", by=None)

    # prompts with gates, their cases, runs
    with django_assert_num_queries(3):
        assert list(cases_pass(payload)) == []


@pytest.mark.parametrize("note", ["", "try", " ninechars ", "         x"])
def test_override__no_reason_to_read_later__is_refused_and_nothing_released(model, operator, note):
    make_feature()
    acts = [
        lambda: publish_feature("greeter", by=operator, note=note, confirm=True),
        lambda: start_rollout(SCOPE, "greeter", by=operator, percent=10, note=note, confirm=True),
        lambda: plan_release(SCOPE, "greeter", by=operator, ask=True, note=note, confirm=True),
    ]

    for act in acts:
        with pytest.raises(NoteNeeded) as refused:
            act()
        assert refused.value.details["errors"][0]["pointer"] == "/note"
        assert [problem["code"] for problem in refused.value.details["problems"]] == ["E_CASES_NOT_RUN"]

    assert (Release.objects.filter(scope=SCOPE).exists(), Plan.objects.exists()) == (False, False)


def test_override__ten_characters__are_a_reason(model, operator):
    make_feature()

    publish_feature("greeter", by=operator, note=" ten chars! ", confirm=True)

    assert Head.objects.get(scope=SCOPE).version == 1


def test_override__other_break__needs_no_note(model, operator):
    from apps.core.publishing.registry import Problem
    from apps.core.publishing.services.reading import Preview
    from apps.core.publishing.services.releasing import ensure_releasable

    seen = Preview({}, [], [], 1, breaks=[Problem("E_X", "/form", "words", "break")])

    ensure_releasable(seen, confirm=True, note="")


def test_override__api__is_told_what_is_missing(model, operator):
    make_feature()
    api = Api(operator)

    refused = api.post("/api/v1/admin/features/publish", json={"key": "greeter", "confirm": True, "note": "go"})
    done = api.post("/api/v1/admin/features/publish", json={"key": "greeter", "confirm": True, "note": "go on anyway"})

    assert (refused.status_code, refused.json()["code"], done.status_code) == (422, "CORE_2043", 200)
    assert refused.json()["details"]["errors"][0]["pointer"] == "/note"


def test_override__page__asks_for_the_note_and_leads_to_the_cases(model, operator, client):
    feature = make_feature()
    client.force_login(operator)
    address = reverse("admin:features_feature_release", args=[feature.pk])
    cases = reverse("admin:prompts_promptcase_of", args=[draft("greeting").pk])

    shown = client.get(address).content.decode()
    refused = client.post(
        reverse("admin:features_feature_publish", args=[feature.pk]), {"confirm": "on", "note": "hurry"}
    )

    assert 'name="note" minlength="10"' in shown
    assert f'href="{cases}?at=&amp;model=mock-1">Run the cases</a>' in shown
    assert refused.status_code == 422
    assert "at least 10 characters" in refused.content.decode()
    assert 'value="hurry"' in refused.content.decode()
    assert not Head.objects.filter(scope=SCOPE).exists()


def test_override__dry_run_of_the_command__says_what_is_missing(model):
    make_feature()

    def tried(*arguments: str) -> tuple[int, str]:
        out = io.StringIO()
        try:
            call_command("publish_feature", "greeter", "--dry-run", "--confirm", *arguments, stdout=out, stderr=out)
        except SystemExit as ended:
            return int(ended.code or 0), out.getvalue()
        return 0, out.getvalue()

    short, long = tried("--note", "hurry"), tried("--note", "the shop opens today")

    assert (short[0], long[0]) == (1, 0)
    assert "say with --note, in at least 10 characters" in short[1]


def test_gate__run_that_goes_on__says_so(model):
    make_feature()

    start_run("greeting", by=None)

    assert gate() == [("E_CASES_RUNNING", "/prompts/greeting", "break")]


@pytest.mark.parametrize("passed_before", [False, True])
def test_gate__run_that_was_cancelled__counts_for_nothing(model, passed_before):
    make_feature()
    if passed_before:
        run_cases("greeting", by=None)
    cancel_run("greeting", start_run("greeting", by=None).pk, by=None)

    assert gate() == ([] if passed_before else NOT_RUN)


# --- doors ------------------------------------------------------------------------------------


def test_api__case__is_made_changed_and_deleted(model, editor):
    api = Api(editor)

    made = api.post(BASE, json={"name": "Leo", "values": {"name": "Leo"}, "checks": []})
    address = f"{BASE}/{made.json()['id']}"
    changed = api.patch(address, json={"gated": False}, headers={"If-Match": '"1"'})
    stale = api.patch(address, json={"gated": True}, headers={"If-Match": '"1"'})
    listed = [case["name"] for case in api.get(BASE).json()["items"]]
    gone = api.request("DELETE", address, headers={"If-Match": '"2"'})

    assert (made.status_code, changed.json()["gated"], stale.status_code, gone.status_code) == (201, False, 412, 204)
    assert listed == ["Leo", "Mia"]
    assert list(PromptCase.objects.values_list("name", flat=True)) == ["Mia"]


def test_api__other_prompts_case__is_not_found(model, editor):
    make_greeting("other")
    case = PromptCase.objects.get()

    answer = Api(editor).get(f"/api/v1/admin/prompts/other/cases/{case.pk}")

    assert answer.status_code == 404


def test_page__run__shows_the_difference(model, client, editor):
    client.force_login(editor)
    model.answers = ["Hello nobody"]
    prompt = draft("greeting")

    run_cases("greeting", by=editor)
    page = client.get(reverse("admin:prompts_promptcase_of", args=[prompt.pk])).content.decode()

    assert "Hello nobody" in page
    assert "not passed" in page


def test_page__viewer__sees_and_cannot_run(model, client, viewer):
    client.force_login(viewer)
    prompt = draft("greeting")

    page = client.get(reverse("admin:prompts_promptcase_of", args=[prompt.pk]))
    ran = client.post(reverse("admin:prompts_promptcase_run", args=[prompt.pk]))

    assert (page.status_code, ran.status_code, CaseRun.objects.count()) == (200, 403, 0)
    assert "Run the cases" not in page.content.decode()


def test_page__bad_check__is_told_at_its_field(model, client, editor, monkeypatch):
    monkeypatch.setattr(assets, "_manifest", lambda: {"src/admin.tsx": {"file": "admin-1.js"}})
    client.force_login(editor)
    given = {"prompt": draft("greeting").pk, "name": "bad", "values": "{}", "checks": '[{"type": "eval"}]'}

    page = client.post(reverse("admin:prompts_promptcase_add"), given)

    assert (page.status_code, PromptCase.objects.count()) == (200, 1)
    assert "0/type" in page.content.decode()


def run_command(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("run_prompt_cases", *arguments, stdout=out, stderr=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_command__all_pass__ends_with_0(model):
    code, said = run_command()

    assert code == 0
    assert said.startswith("greeting on mock-1: passed; 100 %")


def test_command__failing_case__ends_with_1_and_says_so_as_json(model):
    model.answers = ["no"]

    code, said = run_command("greeting", "--json")

    told = json.loads(said)
    assert (code, told["status"], told["failed"]) == (1, "refused", ["greeting"])
    assert told["runs"][0]["results"][0]["checks"][0]["given"] == "no"


def test_command__unknown_prompt__ends_with_4(model):
    assert run_command("nobody")[0] == 4


def test_command__no_cases_anywhere__ends_with_0(model):
    PromptCase.objects.all().delete()

    assert run_command() == (0, "No prompt has saved cases. Nothing to do.\n")


def test_versions__case_of_a_prompt__goes_with_it(model):
    make_versions("tone", "a")
    make_case("tone", name="one")

    draft("tone").delete()

    assert not PromptCase.objects.filter(name="one").exists()
