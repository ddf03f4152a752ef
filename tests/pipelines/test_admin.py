"""The pipeline's page in the admin: picture, problems, users; for every role that may see it."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.core import assets
from apps.features.models import Feature
from apps.pipelines.models import Pipeline
from apps.pipelines.services import place_boxes, update_pipeline
from tests.conftest import Api
from tests.features.builders import make_feature, make_graph


def page_of(pipeline: Pipeline) -> str:
    return reverse("admin:pipelines_pipeline_change", args=[pipeline.pk])


@pytest.fixture(autouse=True)
def _front_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "_manifest", lambda: {"src/admin.tsx": {"file": "admin-1.js"}})


@pytest.fixture
def feature(db: None) -> Feature:
    return make_feature()


def test_page__shows_picture_editor_and_use(client: Client, operator: User, feature: Feature) -> None:
    client.force_login(operator)

    page = client.get(page_of(feature.pipeline)).content.decode()

    assert 'data-paiban="flow" data-source="flow-data"' in page
    assert 'data-editor="json"' in page
    assert 'src="/static/build/admin-1.js"' in page
    assert f'<a href="{reverse("admin:features_feature_change", args=[feature.pk])}">Greeter</a>' in page
    assert "No problems" in page


def test_page__draft_with_mistakes__names_node_words_and_code(client: Client, operator: User, feature: Feature) -> None:
    graph = make_graph(text="{{ say.words }}")
    graph["nodes"][1]["config"] = {"prompt": "nothing"}
    Pipeline.objects.filter(pk=feature.pipeline_id).update(graph=graph)
    client.force_login(operator)

    page = client.get(page_of(feature.pipeline)).content.decode()

    assert '<code class="pb-code">ask</code> <b>This prompt does not exist.</b>' in page
    assert "config.prompt · E_PROMPT_UNKNOWN" in page
    assert "E_REFERENCE_OUTPUT" in page
    assert "2 problems stand in the way of a release" in page


def test_page__form_of_the_one_feature__judges_references_to_the_start(
    client: Client, operator: User, feature: Feature
) -> None:
    graph = make_graph()
    graph["nodes"][1]["inputs"] = {"name": "{{ start.nickname }}"}
    Pipeline.objects.filter(pk=feature.pipeline_id).update(graph=graph)
    client.force_login(operator)

    page = client.get(page_of(feature.pipeline)).content.decode()

    assert "“start” produces no “nickname”." in page


@pytest.mark.parametrize("graph", [[], {"nodes": "none"}, {"nodes": [{"id": "a"}]}, {}])
def test_page__graph_of_another_shape__still_opens(client: Client, operator: User, graph: object) -> None:
    pipeline = Pipeline.objects.create(key="odd", name="Odd", graph=graph)
    client.force_login(operator)

    listed = client.get(reverse("admin:pipelines_pipeline_changelist"))
    page = client.get(page_of(pipeline))

    assert listed.status_code == 200
    assert page.status_code == 200
    assert "No feature uses this yet." in page.content.decode()


def test_page__viewer__reads_the_graph_with_chinese_as_it_is(client: Client, viewer: User, feature: Feature) -> None:
    client.force_login(viewer)

    page = client.get(page_of(feature.pipeline)).content.decode()

    assert 'data-paiban="flow"' in page
    assert 'name="_save"' not in page
    assert "表单" in page.partition("module")[2]
    assert "&quot;\\u8868" not in page


def test_page__script_in_a_title__is_escaped(client: Client, viewer: User, feature: Feature) -> None:
    graph = make_graph()
    graph["nodes"][0]["title"] = "\\u003cimg src=x\\u003e <script>alert(1)</script>"
    Pipeline.objects.filter(pk=feature.pipeline_id).update(graph=graph)
    client.force_login(viewer)

    page = client.get(page_of(feature.pipeline)).content.decode()

    assert "<script>alert(1)" not in page
    assert "<img src=x" not in page


def test_save__graph_with_mistakes__is_kept_and_says_so(client: Client, operator: User, feature: Feature) -> None:
    client.force_login(operator)

    answer = client.post(
        page_of(feature.pipeline), {"key": "greeter", "name": "Greeter", "graph": '{"nodes": []}'}, follow=True
    )

    feature.pipeline.refresh_from_db()
    assert feature.pipeline.graph == {"nodes": []}
    assert next(str(m) for m in answer.context["messages"]).startswith("Saved. 2 problems would stop")


def test_list__more_rows__same_queries(
    client: Client, operator: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(operator)
    address = reverse("admin:pipelines_pipeline_changelist")
    counts = []
    for size in (1, 20):
        for number in range(Pipeline.objects.count(), size):
            Pipeline.objects.create(key=f"p{number}", name=f"P{number}", graph=make_graph())
        with django_assert_max_num_queries(12) as seen:
            assert client.get(address).status_code == 200
        counts.append(len(seen))

    assert counts[0] == counts[1]


# --- the editor ----------------------------------------------------------------------------------


def flow_of(answer: Any) -> dict[str, Any]:
    return dict(answer.context["flow"])


def save(client: Client, pipeline: Pipeline, seen: object, graph: str = "{}") -> Any:
    given = {"key": pipeline.key, "name": "Changed", "graph": graph, "seen_revision": seen}
    return client.post(page_of(pipeline), given, follow=True)


def test_page__editor__is_handed_graph_feature_rights_and_addresses(
    client: Client, operator: User, feature: Feature
) -> None:
    Pipeline.objects.filter(pk=feature.pipeline_id).update(layout={"positions": {"ask": [1, 2]}}, revision=7)
    client.force_login(operator)

    flow = flow_of(client.get(page_of(feature.pipeline)))

    assert (flow["id"], flow["key"], flow["revision"]) == (feature.pipeline_id, "greeter", 7)
    assert (flow["graph"], flow["layout"]) == (make_graph(), {"positions": {"ask": [1, 2]}})
    assert flow["feature"] == {
        "key": "greeter",
        "form": feature.form_schema,
        "ui": feature.ui_schema,
        "output": feature.output_schema,
    }
    assert (flow["readOnly"], flow["canRun"], flow["canRunReal"]) == (False, True, True)
    assert flow["urls"]["test"] == "/api/v1/admin/pipelines/greeter/test"
    assert flow["urls"]["nodes"] == "/api/v1/admin/pipelines/nodes"
    assert flow["language"] == "en"


def test_page__viewer__is_handed_the_same_to_look_at(client: Client, viewer: User, feature: Feature) -> None:
    client.force_login(viewer)

    flow = flow_of(client.get(page_of(feature.pipeline)))

    assert (flow["readOnly"], flow["canRun"], flow["canRunReal"]) == (True, False, False)
    assert flow["graph"] == make_graph()


def test_page__of_a_new_one__has_an_editor_too(client: Client, operator: User) -> None:
    client.force_login(operator)

    answer = client.get(reverse("admin:pipelines_pipeline_add"))

    flow = flow_of(answer)
    assert (flow["id"], flow["key"], flow["graph"], flow["feature"]) == (None, "", {}, None)
    assert flow["urls"]["draft"] == "/api/v1/admin/pipelines"
    assert answer.context["kinds"]["start"] == "Start"


def test_page__form_that_was_refused__shows_what_was_sent(client: Client, operator: User, feature: Feature) -> None:
    client.force_login(operator)

    sent = {"key": "greeter", "name": "", "graph": '{"nodes": []}', "seen_revision": 1}
    answer = client.post(page_of(feature.pipeline), sent)

    assert flow_of(answer)["graph"] == {"nodes": []}
    assert Pipeline.objects.get().graph == make_graph()


def test_save__counts_the_revision_and_says_who(client: Client, operator: User, feature: Feature) -> None:
    Pipeline.objects.filter(pk=feature.pipeline_id).update(status="ready")
    client.force_login(operator)

    save(client, feature.pipeline, 1)

    row = Pipeline.objects.get()
    assert (row.revision, row.name, row.graph, row.status, row.updated_by) == (2, "Changed", {}, "draft", operator)
    assert row.history.count() == 2


def test_save__boxes_moved_meanwhile__stay_where_they_are(client: Client, operator: User, feature: Feature) -> None:
    client.force_login(operator)
    place_boxes("greeter", {"positions": {"ask": [5, 5], "say": [6, 6]}})

    save(client, feature.pipeline, 1, graph='{"nodes": [{"id": "ask", "type": "prompt"}]}')

    assert Pipeline.objects.get().layout == {"positions": {"ask": [5, 5]}}


def test_save__older_revision__is_told_and_changes_nothing(client: Client, operator: User, feature: Feature) -> None:
    Pipeline.objects.filter(pk=feature.pipeline_id).update(revision=3)
    client.force_login(operator)

    answer = save(client, feature.pipeline, 2)

    assert "Somebody changed this in the meantime" in answer.content.decode()
    row = Pipeline.objects.get()
    assert (row.revision, row.name, row.graph) == (3, "greeter", make_graph())


def test_save__key_in_use__cannot_change(client: Client, operator: User, feature: Feature) -> None:
    client.force_login(operator)

    sent = {"key": "other", "name": "Greeter", "graph": "{}", "seen_revision": 1}
    client.post(page_of(feature.pipeline), sent)

    assert Pipeline.objects.get().key == "greeter"


def test_revert__old_version__is_a_new_revision_with_todays_boxes(
    client: Client, operator: User, feature: Feature
) -> None:
    old = feature.pipeline.history.get()
    update_pipeline("greeter", {"graph": make_graph(text="B")}, expected_revision=1, by=operator)
    place_boxes("greeter", {"positions": {"ask": [5, 5]}})
    client.force_login(operator)

    address = reverse("admin:pipelines_pipeline_simple_history", args=[feature.pipeline_id, old.pk])
    graph = json.dumps(make_graph())
    client.post(address, {"key": "greeter", "name": "greeter", "graph": graph, "seen_revision": 2})

    row = Pipeline.objects.get()
    assert (row.graph, row.revision, row.layout) == (make_graph(), 3, {"positions": {"ask": [5, 5]}})


def test_token__reader__gets_one_by_post_alone(client: Client, viewer: User, member: User) -> None:
    address = reverse("admin:pipelines_pipeline_token")
    client.force_login(viewer)
    got, posted = client.get(address), client.post(address)
    client.force_login(member)

    assert (got.status_code, posted.status_code) == (405, 200)
    assert Api().get("/api/v1/admin/pipelines", headers=bearer(posted)).status_code == 200
    assert client.post(address).status_code == 302


def bearer(answer: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.json()['access']}"}
