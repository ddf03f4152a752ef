"""A degrade policy at work: published with the feature, obeyed by its runs, shown in their events."""

import pytest

from apps.core import aio
from apps.core.config import reader
from apps.features.models import Feature
from apps.features.services import publish_feature
from apps.providers.models import Endpoint, Offer
from apps.providers.services import release_catalogue
from apps.tasks.models import Event, StepRun, Task
from apps.tasks.runner import run_task
from apps.tasks.services import create_task
from tests.features.builders import make_feature, make_graph

pytestmark = pytest.mark.django_db(transaction=True)
POLICY = {"fallback_model": "small", "notice": {"en": "A smaller model answered.", "zh-hans": "由较小的模型回答。"}}


@pytest.fixture
def feature() -> Feature:
    """Asks for a model that is down; another one is there."""
    for key, model in (("large", "mock-down"), ("small", "small")):
        endpoint = Endpoint.objects.create(key=key, name=key, handler_key="mock", max_retries=0)
        Offer.objects.create(endpoint=endpoint, model=model, capabilities=["chat"])
    Endpoint.objects.create(key="mock", name="none", handler_key="mock", enabled=False)
    release_catalogue(by=None)
    reader.reset()
    graph = make_graph()
    graph["nodes"][2]["config"] = {"model": "mock-down"}
    return make_feature(graph=graph, degrade=POLICY, published=True)


def run(user, language: str = "en") -> Task:  # type: ignore[no-untyped-def]
    task = create_task(user, feature="greeter", given={"name": "Mia"})
    Task.objects.filter(pk=task.pk).update(language=language)
    assert aio.run(run_task(str(task.pk)), timeout=30)
    return Task.objects.get(pk=task.pk)


def last_step_event(task: Task, node: str) -> dict[str, object]:
    told = [event.data for event in Event.objects.filter(task=task, type="step").order_by("seq")]
    found: dict[str, object] = [data for data in told if data["node"] == node][-1]
    return found


@pytest.mark.parametrize(
    ("language", "notice"), [("en", POLICY["notice"]["en"]), ("zh-hans", POLICY["notice"]["zh-hans"])]
)  # type: ignore[index]
def test_run__wanted_model_down__is_degraded_and_says_so(feature, member, language, notice):
    task = run(member, language)

    assert (task.status, task.usage_model) == ("succeeded", "small")
    step = StepRun.objects.get(task=task, node="say")
    assert (step.output["degraded"], step.output["model"]) == (True, "small")
    event = last_step_event(task, "say")
    assert (event["status"], event["degraded"], event["notice"]) == ("succeeded", True, notice)
    assert "degraded" not in last_step_event(task, "ask")


def test_run__policy_published_away__fails_as_before(feature, member):
    Feature.objects.update(degrade={})
    assert run(member).status == "succeeded"  # a draft changes nothing

    publish_feature("greeter", by=None)
    task = run(member)

    assert (task.status, task.error["code"]) == ("failed", "PROVIDERS_5001")
