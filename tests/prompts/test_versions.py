"""Versions and labels: numbered once, never changed, named by references, kept while something names them."""

import pytest

from apps.core.config import reader
from apps.core.errors import StaleRevision
from apps.core.publishing.models import Snapshot
from apps.core.publishing.usage import PartInUse, where_used
from apps.features.publishing import SCOPE
from apps.features.services import publish_feature
from apps.prompts.errors import LabelInvalid, NothingToSave, PromptVersionUnknown, VersionInUse
from apps.prompts.models import Prompt, PromptLabel, PromptVersion
from apps.prompts.services import (
    collect_prompts,
    delete_label,
    delete_prompt,
    delete_version,
    draft,
    move_label,
    restore_version,
    save_version,
)
from tests.features.builders import make_feature, make_graph
from tests.prompts.builders import change, make_greeting, make_label, make_versions


def numbers(key="greeting"):
    return list(PromptVersion.objects.filter(prompt__key=key).values_list("number", "body").order_by("number"))


def graph_with(reference: str):
    graph = make_graph()
    graph["nodes"][1]["config"]["prompt"] = reference
    return graph


def live_prompts() -> dict:
    return Snapshot.objects.filter(scope=SCOPE, key="greeter").latest("version").payload["prompts"]


def test_save__draft__is_the_next_number_with_author_and_note(db, editor):
    make_greeting()

    version = save_version("greeting", note="first", by=editor)

    assert (version.number, version.note, version.author, version.restored_from) == (1, "first", editor, None)
    assert version.content == draft("greeting").as_released()


def test_save__unchanged_draft__is_refused(db):
    make_versions("greeting", "a")

    with pytest.raises(NothingToSave):
        save_version("greeting", by=None)

    assert numbers() == [(1, "a")]


def test_save__stale_revision__is_refused(db):
    make_versions("greeting", "a")
    change("greeting", body="b")

    with pytest.raises(StaleRevision):
        save_version("greeting", by=None, expected_revision=1)

    assert numbers() == [(1, "a")]


def test_version__saved_again__is_refused(db):
    make_versions("greeting", "a")
    version = PromptVersion.objects.get()
    version.body = "other"

    with pytest.raises(TypeError):
        version.save()

    assert numbers() == [(1, "a")]


def test_restore__older_version__is_a_new_one_and_the_draft(db, editor):
    make_versions("greeting", "a", "b")

    version = restore_version("greeting", to=1, by=editor, note="b was worse")

    assert (version.number, version.restored_from, version.note) == (3, 1, "b was worse")
    assert numbers() == [(1, "a"), (2, "b"), (3, "a")]
    assert (draft("greeting").body, draft("greeting").revision) == ("a", 3)
    assert draft("greeting").history.first().history_user == editor


def test_restore__unsaved_draft__is_kept_first(db):
    make_versions("greeting", "a")
    change("greeting", body="unsaved")

    restore_version("greeting", to=1, by=None)

    assert numbers() == [(1, "a"), (2, "unsaved"), (3, "a")]


def test_restore__stale_revision__changes_nothing(db):
    make_versions("greeting", "a", "b")

    with pytest.raises(StaleRevision):
        restore_version("greeting", to=1, by=None, expected_revision=1)

    assert (numbers(), draft("greeting").body) == ([(1, "a"), (2, "b")], "b")


@pytest.mark.parametrize("at", [9, "nowhere", "0", "-1", "a b", "draft"])
def test_restore__unknown_version__is_refused(db, at):
    make_versions("greeting", "a")

    with pytest.raises(PromptVersionUnknown):
        restore_version("greeting", to=at, by=None)

    assert numbers() == [(1, "a")]


def test_label__moved__leaves_who_and_from_where(db, editor):
    make_versions("greeting", "a", "b")
    make_label("greeting", "production", 1)

    move_label("greeting", "production", to=2, by=editor)

    label = PromptLabel.objects.get()
    assert (label.version.number, label.history.count()) == (2, 2)
    assert (label.history.first().history_user, label.history.first().history_change_reason) == (editor, "1 -> 2")


def test_label__moved_to_where_it_is__leaves_no_trace(db):
    make_versions("greeting", "a")
    make_label("greeting", "production", 1)

    make_label("greeting", "production", 1)

    assert PromptLabel.objects.get().history.count() == 1


@pytest.mark.parametrize("name", ["", "1", "Prod", "a b", "-a", "x" * 41, "draft", "a\n"])
def test_label__bad_name__is_refused(db, name):
    make_versions("greeting", "a")

    with pytest.raises(LabelInvalid):
        move_label("greeting", name, to=1, by=None)

    assert not PromptLabel.objects.exists()


def test_collect__references__are_what_they_mean_now(db):
    make_versions("greeting", "one", "two")
    make_label("greeting", "production", 1)
    make_greeting("host", body="{% render 'greeting@production' %}+{% render 'greeting@2' %}+{% render 'greeting' %}")
    change("greeting", body="three")

    found = collect_prompts(["host"])

    bodies = {name: text["body"] for name, text in found.items() if name != "host"}
    assert bodies == {"greeting": "three", "greeting@2": "two", "greeting@production": "one"}
    assert (found["greeting@production"]["key"], found["greeting@production"]["version"]) == ("greeting", 1)


@pytest.mark.parametrize("reference", ["greeting@9", "greeting@nowhere", "other@1", "greeting@", "@1", "a@b@c"])
def test_collect__reference_to_nothing__is_left_out(db, reference):
    make_versions("greeting", "one")

    assert collect_prompts([reference]) == {}


def test_collect__many_versions__takes_as_many_queries_as_one(db, django_assert_num_queries):
    make_versions("greeting", "one", "two", "three")
    for name, number in (("a", 1), ("b", 2), ("c", 3)):
        make_label("greeting", name, number)

    # drafts, numbers, labels
    with django_assert_num_queries(3):
        collect_prompts(["greeting", "greeting@1", "greeting@a"])
    with django_assert_num_queries(3):
        collect_prompts(["greeting", "greeting@1", "greeting@2", "greeting@3", "greeting@a", "greeting@b"])


def test_publish__label__freezes_what_it_means_then(db):
    make_versions("greeting", "Greet {{ name }}.", "Hail {{ name }}.")
    make_label("greeting", "production", 1)
    make_feature(graph=graph_with("greeting@production"))
    publish_feature("greeter", by=None)
    before = live_prompts()

    make_label("greeting", "production", 2)
    after = live_prompts()
    publish_feature("greeter", by=None)

    assert (
        before
        == after
        == {
            "greeting@production": {
                "system": "",
                "body": "Greet {{ name }}.",
                "variables": [{"name": "name", "type": "string", "required": True}],
                "key": "greeting",
                "version": 1,
            }
        }
    )
    assert live_prompts()["greeting@production"]["body"] == "Hail {{ name }}."


def test_publish__unsaved_draft__gets_a_number_and_an_author(db, operator):
    make_feature()

    publish_feature("greeter", by=operator, note="go")

    version = PromptVersion.objects.get()
    assert (version.number, version.author, version.note, version.body) == (1, operator, "go", "Greet {{ name }}.")


def test_publish__text_that_has_a_number__gets_no_other(db):
    make_feature(published=True)
    change("greeting", name="Renamed")

    publish_feature("greeter", by=None)

    assert numbers() == [(1, "Greet {{ name }}.")]


def test_publish__refused__saves_no_version(db):
    make_feature()
    Prompt.objects.update(body="{{ nobody }}")

    with pytest.raises(Exception, match="CORE_2010"):
        publish_feature("greeter", by=None)

    assert numbers() == []


def test_used__all_forms_of_reference__count_for_the_prompt(db):
    make_versions("greeting", "Greet {{ name }}.")
    make_label("greeting", "production", 1)
    make_feature(graph=graph_with("greeting@production"), published=True)

    assert [(use.key, use.draft, use.live, use.current) for use in where_used("prompt", "greeting")] == [
        ("greeter", True, 1, True)
    ]
    assert [use.key for use in where_used("prompt_reference", "greeting@production")] == ["greeter"]
    assert where_used("prompt_reference", "greeting") == []


def test_used__label_moved_since__is_not_current(db):
    make_versions("greeting", "Greet {{ name }}.", "Hail {{ name }}.")
    make_label("greeting", "production", 1)
    make_feature(graph=graph_with("greeting@production"), published=True)

    make_label("greeting", "production", 2)

    assert [use.current for use in where_used("prompt", "greeting")] == [False]


def test_delete__version_named_by_number__is_refused_with_the_list(db):
    make_versions("greeting", "Greet {{ name }}.", "Hail {{ name }}.")
    make_feature(graph=graph_with("greeting@1"))

    with pytest.raises(VersionInUse) as refused:
        delete_version("greeting", 1, by=None)

    assert [use["key"] for use in refused.value.details["uses"]] == ["greeter"]
    assert len(numbers()) == 2


def test_delete__version_named_through_an_include_by_label__is_refused(db):
    make_versions("tone", "Kindly.", "Gladly.")
    make_label("tone", "production", 1)
    make_greeting(body="{% render 'tone@production' %} {{ name }}")
    make_feature()

    with pytest.raises(VersionInUse):
        delete_version("tone", 1, by=None)
    with pytest.raises(VersionInUse):
        delete_label("tone", "production", by=None)

    assert (len(numbers("tone")), PromptLabel.objects.count()) == (2, 1)


def test_delete__version_that_nothing_names__takes_its_labels_and_never_its_number(db):
    make_versions("greeting", "a", "b")
    make_label("greeting", "staging", 2)

    delete_version("greeting", 2, by=None)
    change("greeting", body="c")
    save_version("greeting", by=None)

    assert numbers() == [(1, "a"), (3, "c")]
    assert not PromptLabel.objects.exists()
    assert PromptLabel.history.filter(history_type="-").count() == 1


def test_delete__prompt_named_by_a_pinned_reference__is_refused(db):
    make_versions("greeting", "Greet {{ name }}.")
    make_feature(graph=graph_with("greeting@1"))

    with pytest.raises(PartInUse):
        delete_prompt("greeting", expected_revision=1, by=None)

    assert Prompt.objects.filter(key="greeting").exists()


def test_publish__version_that_is_gone__is_named(db):
    make_versions("greeting", "Greet {{ name }}.")
    make_feature(graph=graph_with("greeting@7"))

    with pytest.raises(Exception, match="CORE_2010") as refused:
        publish_feature("greeter", by=None)

    found = [(p["code"], p["path"]) for p in refused.value.details["problems"] if p["level"] == "error"]
    assert ("E_PROMPT_UNKNOWN", "/pipeline/ask/config.prompt") in found
    reader.reset()
