"""The gallery: every template is whole, imports as drafts, has no errors, and masters its own cases without a model."""

import asyncio
import json
from types import MappingProxyType
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from apps.core.config import reader
from apps.core.form_input import field_errors, with_defaults
from apps.core.publishing.models import Release
from apps.features.closure import collect, parts_of
from apps.features.errors import HeadingMissing, KeyTaken, TemplateUnknown
from apps.features.gallery import ORDER, templates
from apps.features.gallery.importing import import_template
from apps.features.models import ICONS, Feature, MenuGroup
from apps.pipelines.graph import parse_graph
from apps.pipelines.models import Pipeline, PipelineCase
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.values import plain
from apps.pipelines.services import problems_of
from apps.pipelines.wiring import resolve
from apps.prompts.checking import Reply, judge
from apps.prompts.models import Prompt
from apps.providers.models import Endpoint, Offer
from apps.providers.services import release_catalogue
from tests.conftest import Api
from tests.pipelines.nodes.context import arun

KEYS = sorted(templates())


def test_templates__all__are_eight_in_their_order():
    assert len(templates()) == len(ORDER) == 8
    assert next(iter(templates())) == "product-copy"


@pytest.mark.parametrize("key", KEYS)
def test_template__words__are_there_in_both_languages(key):
    template = templates()[key]

    for words in (template.title, template.description, template.shows):
        assert set(words) == {"en", "zh-hans"}
        assert words["en"] != words["zh-hans"]
    for field in (*template.form["properties"].values(), *template.output["properties"].values()):
        assert field["title"]
        assert field["x-i18n"]["zh-hans"]["title"]
    assert all(set(node["title"]) == {"en", "zh-hans"} for node in template.graph["nodes"])
    assert template.icon in ICONS
    assert len(template.description["en"]) <= 300


@pytest.mark.parametrize("key", KEYS)
def test_template__layout__has_a_place_of_its_own_for_every_node(key):
    template = templates()[key]

    places = template.layout["positions"]

    assert set(places) == {node["id"] for node in template.graph["nodes"]}
    assert len({tuple(at) for at in places.values()}) == len(places)


@pytest.fixture
def models(db: None) -> None:
    """A model that can do everything that a template asks for."""
    endpoint, _created = Endpoint.objects.get_or_create(key="mock", defaults={"name": "mock", "handler_key": "mock"})
    Offer.objects.create(endpoint=endpoint, model="able", capabilities=["chat", "vision", "json", "tools"])
    release_catalogue(by=None)
    reader.reset()  # as the message after the commit would; a test's transaction has none


@pytest.mark.parametrize("key", KEYS)
def test_import__each_template__has_no_errors(key, demo, models, operator):
    feature = import_template(key, by=operator)

    problems = [problem for problem in problems_of(feature.pipeline) if problem.severity == "error"]
    assert problems == []
    assert feature.pipeline.cases.count() == len(templates()[key].cases) > 0


@pytest.mark.parametrize("key", KEYS)
def test_import__cases__pass_without_a_model(key, demo, models, operator):
    feature = import_template(key, by=operator)

    for case in feature.pipeline.cases.all():
        assert field_errors_of(feature, case.input) == []
        output = asyncio.run(tried(feature, case, parts_of(collect(feature))))
        text = json.dumps(plain(output), ensure_ascii=False)
        assert [told for told in judge(case.checks, Reply(text, 0)) if not told.passed] == [], output


def field_errors_of(feature: Feature, given: dict[str, Any]) -> list[Any]:
    """What is wrong with a case's input, its files apart."""
    schema = feature.form_schema
    fields = {name: {"type": "string"} if "format" in f else f for name, f in schema["properties"].items()}
    return list(field_errors({**schema, "properties": fields}, with_defaults(schema, given)))


async def tried(feature: Feature, case: PipelineCase, parts: dict[str, Any]) -> dict[str, Any]:
    """What the pipeline gives for the case, node by node, with its mocks in place of what asks outside."""
    graph = parse_graph(feature.pipeline.graph)
    outputs: dict[str, Any] = {"start": with_defaults(feature.form_schema, case.input)}
    ways: dict[str, str] = {"start": ""}
    last: dict[str, Any] = {}
    for key in graph.order[1:]:
        incoming = [edge for edge in graph.edges if edge.target == key]
        if not any(ways.get(edge.source) == edge.when for edge in incoming):
            continue
        node = graph.by_id[key]
        kind = node_types()[node.type]
        if key in case.mocks:
            last = case.mocks[key]
            ways[key] = str(last.get("option", ""))
        else:
            assert kind.effect == "pure", f"{key} asks outside and has no mock"
            inputs = {name: resolve(value, outputs) for name, value in node.inputs.items()}
            result = await arun(node.type, node.config, inputs, parts=parts, node_id=key)
            last, ways[key] = dict(result.output), result.branch
        outputs[key] = last
    return last


def test_import__twice__takes_free_keys_and_overwrites_nothing(demo, operator):
    first = import_template("translate-review", by=operator)
    texts = dict(Prompt.objects.values_list("key", "body"))

    second = import_template("translate-review", by=operator)

    assert (first.key, second.key) == ("translate-review", "translate-review-2")
    assert (first.pipeline.key, second.pipeline.key) == ("translate-review", "translate-review-2")
    used = {node["config"]["prompt"] for node in second.pipeline.graph["nodes"] if "prompt" in node.get("config", {})}
    assert used == {"translate-2", "review-translation-2", "mend-translation-2"}
    assert {key: body for key, body in Prompt.objects.values_list("key", "body") if key in texts} == texts


def test_import__nothing_goes_live(demo, operator):
    releases = Release.objects.filter(scope="feature").count()

    feature = import_template("product-copy", by=operator)

    assert Release.objects.filter(scope="feature").count() == releases
    assert feature.history.latest().history_user == operator


def counts() -> tuple[int, ...]:
    return tuple(model._default_manager.count() for model in (Feature, Pipeline, Prompt, PipelineCase, MenuGroup))


def test_import__key_taken__changes_nothing(demo, operator):
    before = counts()

    with pytest.raises(KeyTaken):
        import_template("moderate", by=operator, feature_key="copywriter")

    assert counts() == before


def test_import__key_that_is_none__changes_nothing(demo, operator):
    before = counts()

    with pytest.raises(ValidationError):
        import_template("moderate", by=operator, feature_key="No Key")

    assert counts() == before


def test_import__unknown_template__is_refused(db):
    with pytest.raises(TemplateUnknown):
        import_template("nothing", by=None)


def test_import__no_heading_and_no_right_to_make_one__is_refused(db, viewer):
    with pytest.raises(HeadingMissing):
        import_template("moderate", by=viewer)

    assert counts() == (0, 0, 0, 0, 0)


def test_templates__read_only__cannot_be_changed():
    assert isinstance(templates(), MappingProxyType)


def test_api__list__is_in_the_callers_language(viewer):
    answer = Api(viewer).get("/api/v1/admin/templates", headers={"Accept-Language": "zh-hans"})

    assert answer.status_code == 200
    first = answer.json()["items"][0]
    assert (first["key"], first["title"], first["steps"]) == ("product-copy", "商品文案", 4)
    assert first["capabilities"] == ["chat"]


def test_api__import__makes_a_draft(editor, demo):
    answer = Api(editor).post("/api/v1/admin/templates/moderate/import", json={})

    assert (answer.status_code, answer.json()) == (201, {"feature": "moderate", "pipeline": "moderate", "cases": 3})


@pytest.mark.parametrize(
    ("key", "body", "code"),
    [
        ("nothing", {}, "FEATURES_2090"),
        ("moderate", {"key": "copywriter"}, "FEATURES_2082"),
        ("moderate", {"key": "No Key"}, "CORE_2000"),
    ],
)
def test_api__import_that_cannot_be__says_why(key, body, code, editor, demo):
    before = counts()

    answer = Api(editor).post(f"/api/v1/admin/templates/{key}/import", json=body)

    assert answer.json()["code"] == code
    assert counts() == before


def test_api__import_by_a_viewer__is_refused(viewer, demo):
    before = counts()

    answer = Api(viewer).post("/api/v1/admin/templates/moderate/import", json={})

    assert answer.status_code == 403
    assert counts() == before


GALLERY = "/admin/features/feature/gallery/"


def test_page__editor__sees_every_card_and_imports(client, editor, demo):
    client.force_login(editor)

    page = client.get(GALLERY).content.decode()
    answer = client.post(f"{GALLERY}moderate/")

    assert page.count("pb-gallery__card") == 8
    assert page.count('<svg class="pb-gallery__picture"') == 8
    assert page.count("/import") == 0
    assert answer.url == f"/admin/features/feature/{Feature.objects.get(key='moderate').pk}/change/"


def test_page__viewer__looks_and_imports_nothing(client, viewer, demo):
    client.force_login(viewer)
    before = counts()

    page = client.get(GALLERY).content.decode()
    answer = client.post(f"{GALLERY}moderate/")

    assert (page.count("pb-gallery__card"), page.count(f'action="{GALLERY}')) == (8, 0)
    assert answer.status_code == 403
    assert counts() == before


def test_page__unknown_template__is_told(client, editor, demo):
    client.force_login(editor)

    answer = client.post(f"{GALLERY}nothing/", follow=True)

    assert "There is no template “nothing”" in answer.content.decode()


def test_page__import_by_get__is_refused(client, editor, demo):
    client.force_login(editor)
    before = counts()

    assert client.get(f"{GALLERY}moderate/").status_code == 405
    assert counts() == before
