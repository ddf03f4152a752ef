"""The wizard: a draft that runs after the first step, and pages that lead on to the release."""

import json

import pytest

from apps.core.publishing.models import Release
from apps.features.errors import TemplateUnknown
from apps.features.gallery.blank import BLANK
from apps.features.models import Feature, MenuGroup
from apps.features.wizard.starting import start_feature
from apps.pipelines.models import Pipeline
from apps.pipelines.services import problems_of
from apps.prompts.models import Prompt

START = "/admin/features/feature/wizard/"


def basics(**others: object) -> dict[str, object]:
    menu = MenuGroup.objects.get(key="writing")
    given = {"title": "Poem Maker", "title_zh": "写诗", "description": "Makes poems", "description_zh": "", "cost": 2}
    return {**given, "icon": "pen", "menu": menu, **others}


def sent(**others: object) -> dict[str, object]:
    return {**basics(), "menu": MenuGroup.objects.get(key="writing").pk, "start": "", **others}


def counts() -> tuple[int, ...]:
    return tuple(model._default_manager.count() for model in (Feature, Pipeline, Prompt))


def test_start__blank__is_a_draft_that_could_run(demo, operator):
    feature = start_feature(basics(), start="", by=operator)

    assert (feature.key, feature.title, feature.title_zh, feature.cost) == ("poem-maker", "Poem Maker", "写诗", 2)
    assert feature.form_schema == BLANK.form
    assert [problem for problem in problems_of(feature.pipeline) if problem.severity == "error"] == []
    assert not Release.objects.filter(scope="feature", key=feature.key).exists()


def test_start__blank__names_its_parts_after_the_feature(demo, operator):
    pipeline = start_feature(basics(), start="", by=operator).pipeline

    assert (pipeline.key, pipeline.name) == ("poem-maker", "Poem Maker")
    assert Prompt.objects.get(key="poem-maker").name == "Poem Maker"
    assert [node["config"] for node in pipeline.graph["nodes"] if node["type"] == "prompt"] == [
        {"prompt": "poem-maker"}
    ]


@pytest.mark.parametrize(
    ("title", "key"), [("写诗", "new-feature"), ("Copywriter", "copywriter-2"), ("…", "new-feature")]
)
def test_start__title_that_makes_no_free_key__gets_another(title, key, demo, operator):
    assert start_feature(basics(title=title), start="", by=operator).key == key


def test_start__template__keeps_its_form_under_the_new_name(demo, operator):
    feature = start_feature(basics(), start="moderate", by=operator)

    assert (feature.key, feature.pipeline.key, feature.pipeline.name) == ("poem-maker", "poem-maker", "Poem Maker")
    assert set(feature.form_schema["properties"]) == {"text", "rules"}


def test_start__unknown_template__makes_nothing(demo, operator):
    before = counts()

    with pytest.raises(TemplateUnknown):
        start_feature(basics(), start="nothing", by=operator)

    assert counts() == before


def test_pages__editor__goes_from_the_basics_to_the_release(client, editor, demo):
    client.force_login(editor)

    begun = client.post(START, sent())
    feature = Feature.objects.get(key="poem-maker")
    assert begun.url == f"/admin/features/feature/{feature.pk}/wizard/form/"

    schema = {"type": "object", "properties": {"text": {"type": "string"}, "lines": {"type": "integer"}}}
    changed = {"form_schema": json.dumps(schema), "ui_schema": "{}", "seen_revision": feature.revision}
    designed = client.post(begun.url, changed)
    feature.refresh_from_db()
    assert designed.url == f"/admin/features/feature/{feature.pk}/wizard/pipeline/"
    assert feature.form_schema == schema

    for step in ("basics", "form", "pipeline", "finish"):
        page = client.get(f"/admin/features/feature/{feature.pk}/wizard/{step}/")
        assert page.status_code == 200
        assert page.content.decode().count('aria-current="step"') == 1
    assert f"/admin/features/feature/{feature.pk}/release/" in page.content.decode()


def test_form__somebody_saved_meanwhile__is_told_and_not_saved(client, editor, demo):
    client.force_login(editor)
    feature = start_feature(basics(), start="", by=editor)
    given = {"form_schema": '{"type": "object"}', "ui_schema": "{}", "seen_revision": feature.revision - 1}

    answer = client.post(f"/admin/features/feature/{feature.pk}/wizard/form/", given)

    assert "somebody else saved this feature meanwhile" in answer.content.decode()
    assert Feature.objects.get(pk=feature.pk).form_schema == BLANK.form


@pytest.mark.parametrize("schema", ["[]", "{", '"text"', ""])
def test_form__no_object__is_told_and_not_saved(schema, client, editor, demo):
    client.force_login(editor)
    feature = start_feature(basics(), start="", by=editor)
    given = {"form_schema": schema, "ui_schema": "{}", "seen_revision": feature.revision}

    answer = client.post(f"/admin/features/feature/{feature.pk}/wizard/form/", given)

    assert (answer.status_code, "errorlist" in answer.content.decode()) == (200, True)
    assert Feature.objects.get(pk=feature.pk).form_schema == BLANK.form


def test_basics__no_title__is_told_and_nothing_is_made(client, editor, demo):
    client.force_login(editor)
    before = counts()

    answer = client.post(START, sent(title=""))

    assert (answer.status_code, "errorlist" in answer.content.decode()) == (200, True)
    assert counts() == before


def test_basics__of_a_draft__are_changed(client, editor, demo):
    client.force_login(editor)
    feature = start_feature(basics(), start="", by=editor)

    client.post(
        f"/admin/features/feature/{feature.pk}/wizard/basics/", sent(title="Odes", seen_revision=feature.revision)
    )

    feature.refresh_from_db()
    assert (feature.title, feature.key) == ("Odes", "poem-maker")


def test_pages__viewer__may_not(client, viewer, operator, demo):
    feature = start_feature(basics(), start="", by=operator)
    client.force_login(viewer)
    before = counts()

    steps = [
        f"/admin/features/feature/{feature.pk}/wizard/{step}/" for step in ("basics", "form", "pipeline", "finish")
    ]
    answers = [client.post(START, sent()).status_code, *(client.get(step).status_code for step in steps)]

    assert answers == [403] * 5
    assert counts() == before


@pytest.mark.django_db
def test_basics__no_menu_group_yet__leads_to_where_one_is_made(client, operator):
    client.force_login(operator)

    page = client.get(START).content.decode()

    assert "There is no menu group yet" in page
    assert "/admin/features/menugroup/add/" in page


def test_finish__draft__can_be_tried_there(client, editor, demo):
    client.force_login(editor)
    feature = start_feature(basics(), start="", by=editor)

    shown = client.get(f"/admin/features/feature/{feature.pk}/wizard/finish/").context["trial"]

    assert (shown["key"], shown["canRun"], shown["feature"]["key"]) == ("poem-maker", True, "poem-maker")
    assert shown["feature"]["ui"] == feature.ui_schema
