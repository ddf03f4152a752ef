"""Fields that `x-roles` hides: nobody else sets them, their defaults apply, and their values are not told."""

import pytest

from apps.core import aio
from apps.features.models import Feature
from apps.features.services import publish_feature
from apps.tasks.errors import InputInvalid
from apps.tasks.models import Status, Task
from apps.tasks.runner import run_task
from apps.tasks.services import create_task
from tests.conftest import Api
from tests.tasks.builders import TEXT_FORM, make_feature

pytestmark = pytest.mark.django_db(transaction=True)

TIER = {"type": "string", "default": "gold", "x-roles": ["admin"]}
RESULT = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "notes": {"type": "string", "x-roles": ["admin"]}},
}


@pytest.fixture
def feature():
    """Answers its text, and the tier as notes for admins."""
    made = make_feature(publish=False)
    made.pipeline.graph["nodes"][-1]["inputs"] = {"text": "{{ start.text }}", "notes": "{{ start.tier }}"}
    made.pipeline.save()
    form = {**TEXT_FORM, "properties": {**TEXT_FORM["properties"], "tier": TIER}}
    Feature.objects.filter(pk=made.pk).update(form_schema=form, output_schema=RESULT)
    publish_feature("echo", by=None)
    return made


def run(user, **given) -> Task:  # type: ignore[no-untyped-def]
    task = create_task(user, feature="echo", given={"text": "hello", **given})
    assert aio.run(run_task(str(task.pk)), timeout=20)
    task.refresh_from_db()
    assert task.status == Status.SUCCEEDED
    return task


def test_create__hidden_field_not_sent__its_default_applies(feature, member):
    assert create_task(member, feature="echo", given={"text": "hello"}).input == {
        "text": "hello",
        "size": 3,
        "tier": "gold",
    }


@pytest.mark.parametrize("value", ["gold", "silver", None])
def test_create__hidden_field_sent_by_hand__is_refused_like_an_unknown_one(feature, member, value):
    told = []
    for name in ("tier", "nonsense"):
        with pytest.raises(InputInvalid) as refused:
            create_task(member, feature="echo", given={"text": "hello", name: value})
        told.append(refused.value.details["errors"])

    assert told[0] == [{**told[1][0], "pointer": "/tier"}]
    assert Task.objects.count() == 0


def test_create__role_sees_the_field__may_set_it(feature, operator):
    assert create_task(operator, feature="echo", given={"text": "hello", "tier": "silver"}).input["tier"] == "silver"


def test_read__owner_without_the_role__is_told_neither_field_nor_value(feature, member):
    task = run(member)

    body = Api(member).get(f"/api/v1/tasks/{task.pk}").json()
    events = Api(member).get(f"/api/v1/tasks/{task.pk}/stream").text

    assert (task.input["tier"], task.output["notes"]) == ("gold", "gold")
    assert (body["input"], body["output"]) == ({"text": "hello", "size": 3}, {"text": "hello"})
    assert "gold" not in str(body) + events
    assert not [part for part in ("form", "output_form") if "x-roles" in str(body[part]) or "tier" in str(body[part])]


def test_read__owner_with_the_role__is_told_everything_but_the_rule(feature, operator):
    task = run(operator, tier="silver")

    body = Api(operator).get(f"/api/v1/tasks/{task.pk}").json()
    events = Api(operator).get(f"/api/v1/tasks/{task.pk}/stream").text

    assert (body["input"]["tier"], body["output"]["notes"]) == ("silver", "silver")
    assert '"notes":"silver"' in events
    assert body["form"]["schema"]["properties"]["tier"] == {"type": "string", "default": "gold"}


def test_read__input_used_again__is_accepted(feature, member):
    task = run(member)
    again = Api(member).get(f"/api/v1/tasks/{task.pk}").json()["input"]

    assert Api(member).post("/api/v1/tasks", json={"feature": "echo", "input": again}).status_code == 202


def test_admin_page__operator_with_and_viewer_without_the_role__see_their_part(
    feature, member, operator, viewer, client
):
    task = run(member)
    pages = []
    for user in (operator, viewer):
        client.force_login(user)
        pages.append(client.get(f"/admin/tasks/task/{task.pk}/change/").content.decode())

    assert ["gold" in page for page in pages] == [True, False]
