"""Every template of the gallery, imported and tried as an operator does: its cases pass on the mock provider."""

import pytest

from apps.core import aio
from apps.core.config import reader
from apps.features.gallery import templates
from apps.features.gallery.importing import import_template
from apps.pipelines.models import Pipeline
from apps.providers.models import Endpoint, Offer
from apps.providers.services import release_catalogue
from apps.tasks.models import Effect, Task
from apps.tasks.runner import run_task
from tests.conftest import Api
from tests.core.builders import make_file
from tests.tasks.builders import make_feature

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def models(db: None) -> None:
    """A model that can do everything that a template asks for."""
    endpoint, _created = Endpoint.objects.get_or_create(key="mock", defaults={"name": "mock", "handler_key": "mock"})
    Offer.objects.create(endpoint=endpoint, model="able", capabilities=["chat", "vision", "json", "tools"])
    release_catalogue(by=None)
    reader.reset()


@pytest.mark.parametrize("key", sorted(templates()))
def test_cases__of_each_template__all_pass_on_the_mock_provider(key, demo, models, operator):
    feature = import_template(key, by=operator)
    api = Api(operator)

    answer = api.post(f"/api/v1/admin/pipelines/{feature.pipeline.key}/cases/run", json={"feature": feature.key})

    assert answer.status_code == 202, answer.json()
    runs = answer.json()["runs"]
    assert len(runs) == len(templates()[key].cases)
    for one in runs:
        assert aio.run(run_task(one["trial"]), timeout=60)
        told = api.get(one["links"]["self"]).json()
        assert told["status"] == "succeeded", (one["case"], told["error"], [s["path"] for s in told["steps"]])
        assert [verdict for verdict in told["verdicts"] if not verdict["passed"]] == [], told["output"]
        assert told["verdicts"], "a case without checks says nothing"
    assert not Effect.objects.exists(), "what would ask outside has an answer in the case"


def test_case__with_a_file_of_somebody_else__is_lent_to_whoever_runs_it(editor, operator, tmp_path):
    theirs = str(make_file(operator, tmp_path).pk)
    make_feature(publish=False)
    Pipeline.objects.get().cases.create(name="one", input={"text": "tea", "image": theirs})

    lent = Api(editor).post("/api/v1/admin/pipelines/echo/cases/run", json={"feature": "echo"})
    typed = Api(editor).post(
        "/api/v1/admin/pipelines/echo/test", json={"feature": "echo", "input": {"text": "tea", "image": theirs}}
    )

    assert (lent.status_code, typed.status_code) == (202, 422)
    assert Task.objects.get().source["files"] == [theirs]


def test_input__the_word_for_a_sample__is_one_in_cases_only(editor):
    make_feature(publish=False)
    body = {"feature": "echo", "input": {"text": "tea", "image": "sample"}}

    assert Api(editor).post("/api/v1/admin/pipelines/echo/test", json=body).status_code == 422
