"""`/api/v1/admin/prompts`: drafts, versions, labels and words over the management API."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.prompts.models import Prompt, PromptLabel, PromptVersion
from apps.prompts.services import draft
from apps.prompts.templates import filters, tags
from apps.prompts.words import FILTERS, TAGS
from tests.conftest import Api, make_user
from tests.features.builders import make_feature
from tests.prompts.builders import NAME, change, make_greeting, make_label, make_versions

BASE = "/api/v1/admin/prompts"
NEW = {"key": "greeting", "name": "Greeting", "body": "Greet {{ name }}.", "variables": [NAME]}


def call(user, method, path="", revision=None, **body):  # type: ignore[no-untyped-def]
    headers = {} if revision is None else {"If-Match": f'"{revision}"'}
    return Api(user).request(method, f"{BASE}{path}", json=body, headers=headers)


def pointers(answer) -> list[str]:  # type: ignore[no-untyped-def]
    return [error["pointer"] for error in answer.json()["details"]["errors"]]


def test_create__editor__is_a_draft_at_revision_1_with_history(db, editor):
    answer = call(editor, "POST", **NEW)

    body = answer.json()
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"1"')
    assert (body["key"], body["status"], body["version"], body["labels"]) == ("greeting", "unused", None, {})
    assert draft("greeting").history.first().history_user == editor


def test_create__taken_key__is_a_conflict(db, editor):
    make_greeting()

    answer = call(editor, "POST", **{**NEW, "name": "Other"})

    assert (answer.status_code, answer.json()["code"]) == (409, "PROMPTS_2005")
    assert draft("greeting").name == "Greeting"


@pytest.mark.parametrize(
    ("changes", "status", "pointer"),
    [
        ({"key": "a b"}, 400, "/key"),
        ({"key": "words"}, 422, "/key"),
        ({"name": ""}, 400, "/name"),
        ({"colour": "red"}, 400, "/colour"),
        ({"revision": 7}, 400, "/revision"),
        ({"gate_share": 101}, 400, "/gate_share"),
        ({"body": "{{ name | nope }}"}, 422, "/body"),
        ({"system": "{% nope %}"}, 422, "/system"),
        ({"variables": [{"name": "a", "type": "text"}]}, 422, "/variables/0/type"),
        ({"variables": [NAME, NAME]}, 422, "/variables/1/name"),
        ({"variables": {"a": 1}}, 422, "/variables"),
        ({"model_defaults": {"temperature": 3}}, 422, "/model_defaults/temperature"),
    ],
)
def test_create__bad_field__is_named_and_nothing_made(db, editor, changes, status, pointer):
    answer = Api(editor).post(BASE, json={**NEW, **changes})

    assert (answer.status_code, pointers(answer)) == (status, [pointer])
    assert not Prompt.objects.exists()


def test_create__broken_template__is_told_with_line_and_column(db, editor):
    answer = call(editor, "POST", **{**NEW, "body": "Hello\n  {{ name | shout }}"})

    error = answer.json()["details"]["errors"][0]
    assert (error["code"], error["line"], error["column"], error["endColumn"]) == ("E_TEMPLATE", 2, 13, 18)


@pytest.mark.parametrize(("role", "status"), [("member", 403), ("viewer", 403), ("editor", 201), ("admin", 201)])
def test_create__role__may_or_may_not(db, role, status):
    assert call(make_user("pat", role=role), "POST", **NEW).status_code == status
    assert Prompt.objects.count() == (status == 201)


def test_patch__revision_that_was_read__is_written_once(db, editor):
    make_greeting()

    first = call(editor, "PATCH", "/greeting", revision=1, body="Hail {{ name }}.")
    second = call(editor, "PATCH", "/greeting", revision=1, body="Other {{ name }}.")

    assert (first.status_code, first.headers["ETag"]) == (200, '"2"')
    assert (second.status_code, second.json()["code"], second.json()["details"]["revision"]) == (412, "CORE_2007", 2)
    assert draft("greeting").body == "Hail {{ name }}."


def test_patch__without_if_match__is_refused(db, editor):
    make_greeting()

    answer = call(editor, "PATCH", "/greeting", body="Other")

    assert (answer.status_code, draft("greeting").revision) == (400, 1)


def test_delete__prompt_in_use__is_refused_with_the_list(db, operator):
    make_feature(published=True)

    answer = call(operator, "DELETE", "/greeting", revision=1)

    assert (answer.status_code, answer.json()["code"]) == (409, "CORE_2020")
    assert [use["key"] for use in answer.json()["details"]["uses"]] == ["greeter"]
    assert Prompt.objects.exists()


def test_delete__unused__is_gone_with_its_versions(db, operator):
    make_versions("greeting", "a")

    assert call(operator, "DELETE", "/greeting", revision=1).status_code == 204
    assert (Prompt.objects.count(), PromptVersion.objects.count()) == (0, 0)


def test_delete__editor__may_not(db, editor):
    make_greeting()

    assert call(editor, "DELETE", "/greeting", revision=1).status_code == 403
    assert Prompt.objects.exists()


def test_list__filters__leave_what_fits(db, viewer):
    make_feature(published=True)
    make_versions("tone", "Kindly.")
    make_label("tone", "production", 1)
    change("tone", name="Tone")
    make_greeting("third", name="Another greeting")

    def keys(query: str) -> list[str]:
        return [item["key"] for item in Api(viewer).get(f"{BASE}?{query}").json()["items"]]

    assert keys("") == ["third", "tone", "greeting"]
    assert keys("q=GREET") == ["third", "greeting"]
    assert keys("label=production") == ["tone"]
    assert keys("status=live") == ["greeting"]
    assert keys("status=unused") == ["third", "tone"]
    assert Api(viewer).get(f"{BASE}?status=nope").status_code == 400


def test_list__pages__are_whole_and_distinct(db, viewer):
    for number in range(25):
        make_greeting(f"p{number}")

    first = Api(viewer).get(BASE).json()
    second = Api(viewer).get(f"{BASE}?cursor={first['next']}").json()

    assert (len(first["items"]), len(second["items"]), second["next"]) == (20, 5, None)
    assert len({item["key"] for item in [*first["items"], *second["items"]]}) == 25
    assert Api(viewer).get(f"{BASE}?cursor=x").json()["code"] == "CORE_2009"


@pytest.mark.parametrize("path", ["", "/words", "/greeting/versions", "/greeting/cases"])
def test_list__more_rows__takes_as_many_queries(db, viewer, path):
    make_versions("greeting", "a")
    make_label("greeting", "production", 1)
    api = Api(viewer)
    api.get(f"{BASE}{path}")

    with CaptureQueriesContext(connection) as few:
        api.get(f"{BASE}{path}")
    for number in range(5):
        make_versions(f"p{number}", "a", "b")
        make_label(f"p{number}", "production", 1)
        change("greeting", body=f"b{number}")
    with CaptureQueriesContext(connection) as many:
        api.get(f"{BASE}{path}")

    assert len(many) == len(few)


def test_versions__saved_and_listed__newest_first_with_labels(db, editor):
    make_versions("greeting", "a", "b")
    make_label("greeting", "production", 1)
    change("greeting", body="c")

    saved = call(editor, "POST", "/greeting/versions", revision=3, note="third")
    again = call(editor, "POST", "/greeting/versions", note="fourth")
    listed = Api(editor).get(f"{BASE}/greeting/versions").json()

    assert (saved.status_code, saved.json()["number"], saved.json()["author"]) == (201, 3, editor.username)
    assert (again.status_code, again.json()["code"]) == (409, "PROMPTS_2006")
    assert [(v["number"], v["note"], v["body"], v["labels"]) for v in listed["items"]] == [
        (3, "third", "c", []),
        (2, "v2", "b", []),
        (1, "v1", "a", ["production"]),
    ]


def test_versions__stale_revision__saves_nothing(db, editor):
    make_greeting()
    change("greeting", body="b")

    answer = call(editor, "POST", "/greeting/versions", revision=1, note="x")

    assert (answer.status_code, PromptVersion.objects.count()) == (412, 0)


def test_diff__two_states__line_by_line(db, viewer):
    make_versions("greeting", "one\ntwo\n", "one\n2\n")
    change("greeting", body="1\n2\n")

    between = Api(viewer).get(f"{BASE}/greeting/diff?from=1&to=2").json()
    to_draft = Api(viewer).get(f"{BASE}/greeting/diff?from=2&to=draft").json()

    assert between["changes"][0]["lines"] == ["@@ -1,2 +1,2 @@", " one", "-two", "+2"]
    assert between["text"] == ["~ /body", "    @@ -1,2 +1,2 @@", "     one", "    -two", "    +2"]
    assert (to_draft["old"]["body"], to_draft["new"]["body"]) == ("one\n2\n", "1\n2\n")


@pytest.mark.parametrize(("query", "status"), [("from=1", 400), ("from=1&to=9", 404), ("from=nowhere&to=1", 404)])
def test_diff__bad_question__is_refused(db, viewer, query, status):
    make_versions("greeting", "a")

    assert Api(viewer).get(f"{BASE}/greeting/diff?{query}").status_code == status


def test_rollback__to_a_label__is_a_new_version_and_the_draft(db, editor):
    make_versions("greeting", "a", "b")
    make_label("greeting", "production", 1)

    answer = call(editor, "POST", "/greeting/rollback", to="production", note="back")

    assert (answer.status_code, answer.json()["number"], answer.json()["restored_from"]) == (201, 3, 1)
    assert draft("greeting").body == "a"


def test_label__put_and_deleted__stands_for_a_version(db, operator):
    make_versions("greeting", "a", "b")

    put = call(operator, "PUT", "/greeting/labels/production", version=2)
    shown = Api(operator).get(f"{BASE}/greeting").json()["labels"]
    gone = call(operator, "DELETE", "/greeting/labels/production")

    assert (put.json(), shown, gone.status_code) == ({"name": "production", "version": 2}, {"production": 2}, 204)
    assert not PromptLabel.objects.exists()


@pytest.mark.parametrize(
    ("label", "version", "refusal"),
    [("Prod", 1, (422, "PROMPTS_2009")), ("draft", 1, (422, "PROMPTS_2009")), ("production", 9, (404, "PROMPTS_2007"))],
)
def test_label__bad_name_or_version__is_refused(db, editor, label, version, refusal):
    make_versions("greeting", "a")

    answer = call(editor, "PUT", f"/greeting/labels/{label}", version=version)

    assert (answer.status_code, answer.json()["code"]) == refusal
    assert not PromptLabel.objects.exists()


def test_words__every_filter_and_tag__has_its_words(db, viewer):
    make_versions("greeting", "Greet {{ name }}.")
    make_label("greeting", "production", 1)

    told = Api(viewer).get(f"{BASE}/words").json()

    assert set(FILTERS) == filters()
    assert set(TAGS) == tags() | {"raw"}
    assert {word["name"] for word in told["filters"]} == filters()
    assert told["types"] == ["array", "boolean", "integer", "number", "object", "string"]
    assert told["prompts"] == [
        {
            "key": "greeting",
            "name": "Greeting",
            "variables": [NAME],
            "versions": [1],
            "labels": {"production": 1},
        }
    ]
