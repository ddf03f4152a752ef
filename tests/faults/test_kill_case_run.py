"""kill -9 in the middle of a run of cases: another worker goes on, no answer is asked for twice that was kept."""

from typing import Any

import pytest

from apps.core.config import reader
from apps.prompts.models import CaseAnswer
from apps.prompts.services import run_of, start_run
from apps.providers.models import Offer
from apps.providers.services import release_catalogue
from tests.faults.fleet import DISPATCHER, WORKER, running, wait_until
from tests.features.builders import make_model
from tests.prompts.builders import make_case, make_greeting

pytestmark = pytest.mark.django_db(transaction=True)

CASES = 12
SLOW = "mock-chat+first=1"  # a second before the first word


def kept() -> dict[int, Any]:
    """The answers that are there, by the place of their case."""
    return dict(CaseAnswer.objects.values_list("position", "result"))


def test_kill_worker__in_mid_run__another_goes_on_from_the_last_answer(tmp_path):
    Offer.objects.create(endpoint=make_model(), model=SLOW, capabilities=["chat"])
    release_catalogue(by=None)
    reader.reset()
    make_greeting()
    for number in range(CASES):
        make_case(name=f"case {number:02}", checks=[])
    with running(DISPATCHER, tmp_path / "dispatcher.log"), running(WORKER, tmp_path / "worker.log") as worker:
        run = start_run("greeting", model=SLOW, by=None)
        wait_until(lambda: len(kept()) > 0, seconds=60, what="a worker keeps an answer")
        worker.kill()
        before = kept()
        worker.start()
        wait_until(lambda: not run_of("greeting", run.pk).is_open, seconds=60, what="the run ends")

    ended = run_of("greeting", run.pk)
    assert 0 < len(before) < CASES, "the kill did not hit a run that goes on; the test proved nothing"
    # Asked again, an answer would have taken another time.
    assert {place: ended.results[place] for place in before} == before
    assert (ended.status, ended.done, ended.passed, ended.fencing_token) == ("finished", CASES, True, 2)
    assert [result["case"] for result in ended.results] == [f"case {number:02}" for number in range(CASES)]
