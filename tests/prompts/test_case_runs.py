"""Runs of cases in the background: ordered, taken over, called off, never lost."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from celery import current_app
from django.urls import reverse
from django.utils import timezone

from apps.core import states
from apps.core.outbox.models import OutboxMessage
from apps.prompts import jobs, worker
from apps.prompts.errors import RunEnded, RunUnknown
from apps.prompts.models import RUN_TRANSITIONS, CaseAnswer, CaseRun, RunStatus
from apps.prompts.services import cancel_run, draft, run_of, save_version, start_run, sweep_runs
from apps.prompts.services.runs import RUN_JOB
from apps.prompts.services.working import RunLost, claim_run, finish_run, keep_answer, let_go, renew_run
from apps.prompts.worker import run_cases, work_on
from tests.conftest import Api, make_user
from tests.prompts.builders import change, make_case, make_greeting

BASE = "/api/v1/admin/prompts/greeting/cases"


def result(case: str = "Mia", **told: Any) -> dict[str, Any]:
    given = {"case": case, "gated": True, "latency_ms": 5, "cost_micro": 3, "passed": True}
    return {**given, "output": "Hi", "checks": [], "error": None, "tokens": None, **told}


def started(cases: int = 2) -> CaseRun:
    """A run of `cases` cases with a worker that has kept the first answer."""
    for number in range(1, cases):
        make_case(name=f"Other {number}", values={"name": "Mia"})
    run = claim_run(start_run("greeting", by=None).pk)
    assert run is not None
    keep_answer(run, 0, result(run.plan["cases"][0]["name"]))
    return run


def lapse(run: CaseRun) -> None:
    """As if its worker had been killed long ago."""
    CaseRun.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def woken() -> list[tuple[str, list[Any]]]:
    return [(message.job, message.args) for message in OutboxMessage.objects.order_by("id")]


# --- ordering ---------------------------------------------------------------------------------


def test_start__cases__are_a_row_and_a_message_and_nobody_was_asked(model, editor):
    run = start_run("greeting", by=editor)

    assert (run.status, run.total, run.done, run.by, run.model) == ("queued", 1, 0, editor, "mock-1")
    assert woken() == [(RUN_JOB, [run.pk])]
    assert model.asked == []


def test_start__twice__is_one_run(model):
    first, second = start_run("greeting", by=None), start_run("greeting", by=None)

    assert first.pk == second.pk
    assert woken() == [(RUN_JOB, [first.pk])]


def test_start__changed_afterwards__asks_what_was_ordered(model):
    run = start_run("greeting", by=None)
    change("greeting", body="Hail {{ name }}.", gate_share=0)
    make_case(name="later")

    work_on(run.pk)

    assert [asked[1] for asked in model.asked] == ["Greet Mia."]
    assert run_of("greeting", run.pk).total == 1


def test_start__text_of_a_version__is_told_with_its_number(model):
    never_saved = start_run("greeting", by=None).version
    save_version("greeting", by=None)
    make_case(name="another")
    as_draft = start_run("greeting", by=None).version
    change("greeting", body="Hail {{ name }}.")

    changed, pinned = start_run("greeting", by=None).version, start_run("greeting@1", by=None).version

    assert (never_saved, as_draft, changed, pinned) == (None, 1, None, 1)


@pytest.mark.parametrize(
    "change_it",
    [
        lambda: change("greeting", body="Hail {{ name }}."),
        lambda: change("greeting", model_defaults={"temperature": 0.5}),
        lambda: change("greeting", gate_share=90),
        lambda: make_case(name="without a gate", gated=False),
    ],
    ids=["text", "temperature", "threshold", "case"],
)
def test_start__anything_changed_meanwhile__is_another_run(model, change_it):
    first = start_run("greeting", by=None)

    change_it()

    assert start_run("greeting", by=None).pk != first.pk


# --- working ----------------------------------------------------------------------------------


def test_work__run__ends_with_its_figures_and_no_loose_answers(model):
    run = start_run("greeting", by=None)

    worked = work_on(run.pk)

    ended = run_of("greeting", run.pk)
    assert worked
    assert (ended.status, ended.done, ended.passed, ended.share) == ("finished", 1, True, 100)
    assert ended.started_at <= ended.ended_at
    assert (ended.open_key, CaseAnswer.objects.count()) == (None, 0)


def test_work__ended_run__is_not_begun_again(model):
    run = run_cases("greeting", by=None)

    assert (work_on(run.pk), work_on(run.pk + 1), len(model.asked)) == (False, False, 1)


def test_work__worker_was_killed__goes_on_from_the_last_answer(model):
    run = started(cases=3)
    lapse(run)

    work_on(run.pk)

    ended = run_of("greeting", run.pk)
    assert (ended.status, ended.done, len(model.asked)) == ("finished", 3, 2)
    assert [one["case"] for one in ended.results] == ["Mia", "Other 1", "Other 2"]
    assert ended.results[0]["output"] == "Hi"


def test_work__run_in_other_hands__is_left_alone(model):
    run = started()

    assert (claim_run(run.pk), work_on(run.pk)) == (None, False)


def test_keep__after_another_took_over__is_refused_and_nothing_written(model):
    former = started()
    lapse(former)
    claim_run(former.pk)

    with pytest.raises(RunLost):
        keep_answer(former, 1, result())
    with pytest.raises(RunLost):
        renew_run(former)
    with pytest.raises(RunLost):
        finish_run(former)
    assert (CaseAnswer.objects.count(), run_of("greeting", former.pk).done) == (1, 1)


def test_claim__again_and_again_without_an_answer__is_given_up(model):
    run = start_run("greeting", by=None)
    for _ in range(3):
        assert claim_run(run.pk) is not None
        lapse(run)

    assert claim_run(run.pk) is None
    ended = run_of("greeting", run.pk)
    assert (ended.status, ended.error["code"], ended.passed) == ("failed", "PROMPTS_5002", False)


def test_work__crash__ends_the_run_with_our_error(model, monkeypatch):
    run = start_run("greeting", by=None)
    monkeypatch.setattr(worker, "judge", lambda *_: 1 / 0)

    work_on(run.pk)

    ended = run_of("greeting", run.pk)
    assert (ended.status, ended.error["code"]) == ("failed", "CORE_5000")


def test_work__process_stops__gives_the_run_back_at_once(model, monkeypatch):
    run = started()
    let_go(run)
    stopping = worker._stopping
    monkeypatch.setattr(stopping, "is_set", lambda: True)
    before = work_on(run.pk)
    monkeypatch.setattr(stopping, "is_set", iter([False, True]).__next__)

    work_on(run.pk)

    assert not before
    assert CaseRun.objects.claimable().get().done == 1


def test_run_cases__somebody_runs_just_this__waits_for_that_run(model, monkeypatch):
    other = claim_run(start_run("greeting", by=None).pk)
    keep_answer(other, 0, result())
    monkeypatch.setattr(worker.time, "sleep", lambda _seconds: finish_run(other))

    run = run_cases("greeting", by=None)

    assert (run.pk, run.status, model.asked) == (other.pk, "finished", [])


@pytest.mark.parametrize(("old", "new"), list(product(RunStatus, RunStatus)))
def test_move__every_pair_of_states__as_the_table_says(model, old, new):
    run = CaseRun.objects.create(prompt=draft("greeting"), status=old)

    moved = states.move(CaseRun.objects.filter(pk=run.pk), RUN_TRANSITIONS, to=new)

    run.refresh_from_db()
    assert moved == (new in RUN_TRANSITIONS[old])
    assert run.status == (new if moved else old)


# --- calling off ------------------------------------------------------------------------------


def test_cancel__half_done__keeps_the_answers_and_stops_the_worker(model, editor):
    run = started()

    cancelled = cancel_run("greeting", run.pk, by=editor)

    assert (cancelled.status, cancelled.done, [one["output"] for one in cancelled.results]) == ("cancelled", 1, ["Hi"])
    with pytest.raises(RunLost):
        renew_run(run)
    assert (work_on(run.pk), model.asked) == (False, [])


def test_cancel__ended_or_unknown__is_refused(model):
    run = run_cases("greeting", by=None)
    make_greeting("other")

    with pytest.raises(RunEnded):
        cancel_run("greeting", run.pk, by=None)
    with pytest.raises(RunUnknown):
        cancel_run("other", run.pk, by=None)

    assert run_of("greeting", run.pk).status == "finished"


def test_cancel__then_start__is_a_new_run(model):
    first = start_run("greeting", by=None)
    cancel_run("greeting", first.pk, by=None)

    assert start_run("greeting", by=None).pk != first.pk


# --- never lost -------------------------------------------------------------------------------


def test_sweep__lost_message_or_killed_worker__wakes_once(model):
    lost = start_run("greeting", by=None)
    OutboxMessage.objects.all().delete()
    fresh = sweep_runs()
    CaseRun.objects.update(woken_at=timezone.now() - timedelta(minutes=1))

    first, second = sweep_runs(), sweep_runs()

    assert (fresh, first, second) == (0, 1, 0)
    assert woken() == [(RUN_JOB, [lost.pk])]


def test_sweep__run_in_good_hands_or_ended__is_left_alone(model):
    started()
    CaseRun.objects.update(woken_at=timezone.now() - timedelta(minutes=1))

    assert sweep_runs() == 0


def test_job__name_in_messages__is_a_task(model):
    run = start_run("greeting", by=None)

    assert current_app.tasks[RUN_JOB].name == jobs.run.name
    jobs.run(run.pk)
    assert run_of("greeting", run.pk).status == "finished"


def test_job__no_place_in_this_process__leaves_the_run_for_the_sweeper(model, monkeypatch):
    run = start_run("greeting", by=None)
    OutboxMessage.objects.all().delete()
    monkeypatch.setattr(jobs._places, "acquire", lambda **_: False)

    jobs.run(run.pk)
    CaseRun.objects.update(woken_at=CaseRun.objects.get().woken_at - timedelta(seconds=3))  # a moment later

    assert (model.asked, sweep_runs(), woken()) == ([], 1, [(RUN_JOB, [run.pk])])


# --- doors ------------------------------------------------------------------------------------


def test_api__run__is_taken_and_can_be_followed(model, editor):
    api = Api(editor)

    taken = api.post(f"{BASE}/run", json={})
    address, tag = taken.headers["Location"], taken.headers["ETag"]
    unchanged = api.get(address, headers={"If-None-Match": tag})
    work_on(taken.json()["id"])
    ended = api.get(address, headers={"If-None-Match": tag})
    listed = api.get(f"{BASE}/runs").json()["items"]

    assert (taken.status_code, taken.json()["status"], taken.json()["by"]) == (202, "queued", editor.username)
    assert address == f"{BASE}/runs/{taken.json()['id']}"
    assert (unchanged.status_code, ended.status_code) == (304, 200)
    assert (ended.json()["status"], ended.json()["passed"], ended.json()["done"]) == ("finished", True, 1)
    assert [run["id"] for run in listed] == [taken.json()["id"]]


def test_api__running__tells_the_answers_so_far(model, editor):
    run = started()

    told = Api(editor).get(f"{BASE}/runs/{run.pk}").json()

    assert (told["status"], told["done"], told["total"]) == ("running", 1, 2)
    assert [one["case"] for one in told["results"]] == ["Mia"]


def test_api__cancel__once(model, editor):
    run = start_run("greeting", by=None)
    api = Api(editor)

    first, second = (api.post(f"{BASE}/runs/{run.pk}/cancel") for _ in range(2))

    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    assert (second.status_code, second.json()["code"]) == (409, "PROMPTS_2015")


def test_api__run_of_another_prompt__is_not_found(model, editor):
    make_greeting("other")
    run = start_run("greeting", by=None)

    answer = Api(editor).get(f"/api/v1/admin/prompts/other/cases/runs/{run.pk}")

    assert (answer.status_code, answer.json()["code"]) == (404, "PROMPTS_2014")


@pytest.mark.parametrize(("role", "status"), [("member", 403), ("viewer", 403), ("editor", 202), ("admin", 202)])
def test_api__run__role_may_or_may_not(model, role, status):
    assert Api(make_user("pat", role=role)).post(f"{BASE}/run", json={}).status_code == status
    assert CaseRun.objects.exists() == (status == 202)


def page(client, **headers: str) -> str:
    return client.get(
        reverse("admin:prompts_promptcase_of", args=[draft("greeting").pk]), headers=headers
    ).content.decode()


def test_page__run_that_goes_on__has_a_bar_for_everybody(model, client, editor):
    client.force_login(editor)
    run = started()

    shown, part = page(client), page(client, **{"X-Fragment": "1"})
    told = client.get(reverse("admin:prompts_promptcase_progress", args=[run.prompt_id, run.pk])).json()

    for html in (shown, part):
        assert 'role="progressbar"' in html
        assert 'aria-valuenow="1"' in html
        assert 'aria-valuemax="2"' in html
    assert 'aria-live="polite"' in shown
    assert "<html" not in part
    assert (told["open"], told["done"], told["total"], told["words"]) == (True, 1, 2, "1 of 2 cases answered")


def test_page__run_and_cancel__are_done_by_their_buttons(model, client, editor):
    client.force_login(editor)
    prompt = draft("greeting")

    client.post(reverse("admin:prompts_promptcase_run", args=[prompt.pk]), {"model": "", "at": ""})
    run = CaseRun.objects.get()
    client.post(reverse("admin:prompts_promptcase_cancel", args=[prompt.pk, run.pk]))

    run.refresh_from_db()
    assert (run.by, run.status) == (editor, "cancelled")
    assert "counts for no release" in page(client)


def test_page__viewer__may_watch_and_not_cancel(model, client, viewer):
    client.force_login(viewer)
    run = started()

    answer = client.post(reverse("admin:prompts_promptcase_cancel", args=[run.prompt_id, run.pk]))

    assert (answer.status_code, run_of("greeting", run.pk).status) == (403, "running")
    assert "Cancel the run" not in page(client)


def test_page__link_of_a_gate__fills_in_model_and_version(model, client, editor):
    client.force_login(editor)
    address = reverse("admin:prompts_promptcase_of", args=[draft("greeting").pk])

    html = client.get(address, {"at": "production", "model": "mock-1"}).content.decode()

    assert 'name="model" maxlength="200" value="mock-1"' in html
    assert 'name="at" maxlength="64" value="production"' in html


def test_page__list__takes_as_many_queries_for_more_answers(model, client, editor, django_assert_max_num_queries):
    client.force_login(editor)
    started(cases=20)
    with django_assert_max_num_queries(40) as few:
        page(client, **{"X-Fragment": "1"})
    for number in range(5):
        change("greeting", body=f"Number {number} {{{{ name }}}}.")
        claim_run(start_run("greeting", by=None).pk)

    with django_assert_max_num_queries(len(few)):
        page(client, **{"X-Fragment": "1"})
