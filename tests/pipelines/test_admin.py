"""The pipeline's page in the admin: picture, problems, users; for every role that may see it."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.core import assets
from apps.features.models import Feature
from apps.pipelines.models import Pipeline
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
