"""The pages of one feature in the CMS: releases by POST alone, and each act for who may do it."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.core import assets
from apps.core.config import processes
from apps.core.config.processes import Propagation
from apps.core.publishing.models import Head, Plan, Release, Snapshot
from apps.core.publishing.registry import Problem
from apps.core.publishing.services import plan_release, preview, start_rollout
from apps.features.models import Feature
from apps.features.preview import open_draft
from apps.features.publishing import FeatureKind
from tests.conftest import make_user
from tests.features.builders import make_feature

STAFF = ["viewer", "editor", "admin"]


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch):
    """A front end, and no process to wait for."""
    manifest = {entry: {"file": "x-1.js"} for entry in ("src/boot.ts", "src/admin.tsx", "src/storefront.tsx")}
    monkeypatch.setattr(assets, "_manifest", lambda: manifest)
    monkeypatch.setattr(processes, "live_processes", list)


@pytest.fixture
def feature(db):
    """Version 1 is live, and the draft has another title."""
    made = make_feature(published=True)
    Feature.objects.update(title="Hello")
    return made


@pytest.fixture
def breaking(monkeypatch):
    """Every release of anything breaks something."""
    found = [Problem("E_FIELD_GONE", "/form/schema", "The field “name” is gone.", "break")]
    monkeypatch.setattr(FeatureKind, "check", lambda self, key, payload, live: found)


def url(page: str, feature: Feature, *more: object) -> str:
    return reverse(f"admin:features_feature_{page}", args=[feature.pk, *more])


def signed_in(client: Client, role: str) -> Client:
    client.force_login(make_user("pat", role=role))
    return client


def state() -> list[object]:
    """Everything a release could change."""
    return [list(rows.objects.values_list()) for rows in (Head, Snapshot, Release, Plan)]


def live() -> int:
    return Head.objects.get(key="greeter").version


def text_of(answer) -> str:  # type: ignore[no-untyped-def]
    return str(answer.content.decode())


# --- who may look, who may act --------------------------------------------------------------------


@pytest.mark.parametrize("role", STAFF)
@pytest.mark.parametrize("page", ["release", "access", "try"])
def test_page__staff__may_look(client, feature, role, page):
    assert signed_in(client, role).get(url(page, feature)).status_code == 200


ACTS = [
    ("rollback", [], {"version": "1"}),
    ("withdraw", [], {}),
    ("rollout", ["change"], {"percent": "20"}),
    ("rollout", ["promote"], {}),
    ("rollout", ["stop"], {}),
]


@pytest.mark.parametrize("role", ["viewer", "editor"])
@pytest.mark.parametrize("act", ACTS)
def test_act__role_without_the_right__changes_nothing(client, feature, role, act):
    page, more, form = act
    start_rollout("feature", "greeter", by=None, percent=10)
    before = state()

    answer = signed_in(client, role).post(url(page, feature, *more), form)

    assert (answer.status_code, state()) == (403, before)


@pytest.mark.parametrize(
    ("role", "expected"),  # the status, the live version, how many proposals wait
    [("viewer", (403, 1, 0)), ("editor", (302, 1, 1)), ("admin", (302, 2, 0))],
)
def test_publish__role__publishes_proposes_or_is_refused(client, feature, role, expected):
    answer = signed_in(client, role).post(url("publish", feature), {"note": "hello"})

    assert (answer.status_code, live(), Plan.objects.filter(status="waiting").count()) == expected


@pytest.mark.parametrize("act", [("publish", [], {}), *ACTS, ("plan", [1, "approve"], {})])
def test_act__member_or_nobody__is_sent_to_sign_in(client, feature, member, act):
    page, more, form = act
    before = state()
    for user in (None, member):
        if user:
            client.force_login(user)
        answer = client.post(url(page, feature, *more), form)
        assert (answer.status_code, "/admin/login/" in answer["Location"]) == (302, True)

    assert state() == before


@pytest.mark.parametrize(
    "act", [("publish", []), *[(page, more) for page, more, _form in ACTS], ("plan", [1, "approve"])]
)
def test_act__get__changes_nothing(client, feature, act):
    page, more = act
    before = state()

    answer = signed_in(client, "admin").get(url(page, feature, *more))

    assert (answer.status_code, state()) == (405, before)


def test_act__no_csrf_token__is_refused(feature, operator):
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    before = state()

    answers = [client.post(url(page, feature, *more), form) for page, more, form in [("publish", [], {}), *ACTS]]

    assert ({answer.status_code for answer in answers}, state()) == ({403}, before)


@pytest.mark.parametrize(
    ("role", "shown", "hidden"),
    [
        ("viewer", [], ["Release the draft", "Roll back to v1", "Withdraw it", "Publish now"]),
        ("editor", ["Propose it", "You may propose it"], ["Roll back to v1", "Withdraw it"]),
        ("admin", ["Publish now", "Roll back to v1", "Withdraw it"], ["You may propose it"]),
    ],
)
def test_release_page__role__shows_only_what_it_may_press(client, feature, role, shown, hidden):
    signed_in(Client(), "admin").post(url("publish", feature), {})
    Feature.objects.update(title="Hello again")
    client.force_login(make_user("sue", role=role))

    text = text_of(client.get(url("release", feature)))

    assert [words in text for words in shown] == [True] * len(shown)
    assert [words in text for words in hidden] == [False] * len(hidden)


# --- publish --------------------------------------------------------------------------------------


def test_publish__all_processes_serve_it__says_how_many_and_how_fast(client, feature, monkeypatch):
    told = Propagation(True, 9, 5, [], 0.0123)
    monkeypatch.setattr("apps.features.admin.pages.wait_until_propagated", lambda revision, timeout: told)

    answer = signed_in(client, "admin").post(url("publish", feature), {"note": "n"}, follow=True)

    assert "Version 2 is live. Every front end shows it now: 5 processes serve it after 12 ms." in text_of(answer)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (Propagation(False, 9, 5, ["web:1"], 2.0), "4 of 5 processes serve it already"),
        (Propagation(False, 9, 0, ["redis"], 0.1), "Redis is away"),
    ],
)
def test_publish__not_everywhere_yet__says_so(client, feature, monkeypatch, told, words):
    monkeypatch.setattr("apps.features.admin.pages.wait_until_propagated", lambda revision, timeout: told)

    answer = signed_in(client, "admin").post(url("publish", feature), {}, follow=True)

    assert (words in text_of(answer), live()) == (True, 2)


def test_publish__draft_changed_since_the_page_was_opened__keeps_the_note_and_asks_again(client, feature):
    seen = preview("feature", "greeter").sha256
    Feature.objects.update(title="Somebody else's")
    before = state()

    answer = signed_in(client, "admin").post(url("publish", feature), {"seen_sha256": seen, "note": "my words"})

    assert (answer.status_code, state()) == (409, before)
    text = text_of(answer)
    assert "The draft is no longer the one you looked at" in text
    assert 'value="my words"' in text
    assert seen not in text


def test_publish__mistakes__are_listed_and_nothing_is_released(client, feature):
    Feature.objects.update(cost=None)
    before = state()
    signed_in(client, "admin")

    page = text_of(client.get(url("release", feature)))
    answer = client.post(url("publish", feature), {})

    assert ("Set the price" in page, 'data-testid="order"' in page) == (True, False)
    assert (answer.status_code, "Not published: 1 problem" in text_of(answer), state()) == (422, True, before)


def test_publish__break__has_to_be_confirmed(client, feature, breaking):
    before = state()
    signed_in(client, "admin")

    page = text_of(client.get(url("release", feature)))
    refused = client.post(url("publish", feature), {})
    unchanged = state()
    confirmed = client.post(url("publish", feature), {"confirm": "on"})

    assert ("The field “name” is gone." in page, "I have seen this break and mean it" in page) == (True, True)
    assert (refused.status_code, unchanged == before) == (409, True)
    assert (confirmed.status_code, live()) == (302, 2)


@pytest.mark.parametrize(
    "form",
    [
        {"audience_is": "some", "percent": "101"},
        {"audience_is": "some", "percent": "x"},
        {"audience_is": "some", "percent": "10", "roles": ["no-such"]},
        {"audience_is": "some", "percent": "0"},
        {"audience_is": "nobody"},
        {"when": "later"},
        {"when": "later", "due_at": "soon"},
        {"when": "later", "due_at": "2001-01-01T00:00:00Z"},
        {"seen_sha256": "x"},
        {"seen_version": "-1"},
        {"note": "x" * 501},
    ],
)
def test_publish__odd_form__is_refused_and_the_page_stays(client, feature, form):
    before = state()

    answer = signed_in(client, "admin").post(url("publish", feature), form)

    assert (answer.status_code in (400, 422), state()) == (True, before)
    assert 'data-testid="order"' in text_of(answer)


def test_publish__text_of_a_user__is_escaped(client, feature):
    Feature.objects.update(title="<img src=x onerror=alert(2)>")
    signed_in(client, "admin").post(url("publish", feature), {"note": "<b onclick=alert(3)>"})
    Feature.objects.update(title="<script>alert(1)</script>")

    text = "".join(text_of(client.get(url(page, feature))) for page in ("release", "change", "access", "try"))

    assert not [bad for bad in ("<script>alert", "<img src=x", "<b onclick") if bad in text]


# --- to some first --------------------------------------------------------------------------------


def test_rollout__some_first_then_more_then_everybody(client, feature):
    signed_in(client, "admin")
    form = {"audience_is": "some", "percent": "10", "roles": ["editor"], "watch": "on", "margin": "5"}

    client.post(url("publish", feature), form)
    started = Head.objects.get(key="greeter")
    page = text_of(client.get(url("release", feature)))
    client.post(url("rollout", feature, "change"), {"percent": "50"})
    changed = Head.objects.get(key="greeter")
    client.post(url("rollout", feature, "promote"), {})

    told = [(h.version, h.rollout_percent, h.rollout_roles, h.rollout_margin) for h in (started, changed)]
    assert told == [(1, 10, ["editor"], 5), (1, 50, [], None)]
    assert ("Version 2 is being tried" in page, "candidate v2 at 10 %" in page, live()) == (True, True, 2)


def test_rollout__finish_of_another_candidate__is_refused(client, feature):
    start_rollout("feature", "greeter", by=None, percent=10)
    before = state()
    signed_in(client, "admin")

    page = client.get(url("release", feature)).content.decode()
    answer = client.post(url("rollout", feature, "promote"), {"candidate": "7"}, follow=True)

    assert '<input type="hidden" name="candidate" value="2">' in page
    assert ("Somebody else published at the same moment" in text_of(answer), state()) == (True, before)


def test_rollout__stop__says_that_the_stable_version_stays(client, feature):
    start_rollout("feature", "greeter", by=None, percent=10)

    answer = signed_in(client, "admin").post(url("rollout", feature, "stop"), {"note": "worse"}, follow=True)

    assert ("Stopped: everybody gets what was live before." in text_of(answer), live()) == (True, 1)
    assert Head.objects.get(key="greeter").candidate is None


def test_rollout__nothing_running_or_unknown_verb__changes_nothing(client, feature):
    before = state()
    signed_in(client, "admin")

    answers = [client.post(url("rollout", feature, verb), {"percent": "5"}) for verb in ("promote", "stop", "explode")]

    assert ([answer.status_code for answer in answers], state()) == ([302, 302, 403], before)


# --- plans ----------------------------------------------------------------------------------------


def test_plan__editor_proposes_and_somebody_else_approves(client, feature, operator):
    signed_in(client, "editor")
    proposed = client.post(url("publish", feature), {"ask": "on", "note": "please"}, follow=True)
    own = text_of(client.get(url("release", feature)))
    plan = Plan.objects.get()

    client.force_login(operator)
    page = text_of(client.get(url("release", feature)))
    approved = client.post(url("plan", feature, plan.pk, "approve"), {}, follow=True)

    assert "Proposed." in text_of(proposed)
    assert ("somebody else has to approve it" in own, "Approve<" in own) == (True, False)
    assert ("Approve<" in page, "Approved and carried out." in text_of(approved), live()) == (True, True, 2)


def test_plan__at_a_time__is_kept_with_its_zone(client, feature):
    due = timezone.now().replace(microsecond=0) + timedelta(days=2)

    signed_in(client, "admin").post(url("publish", feature), {"when": "later", "due_at": due.isoformat()})

    assert Plan.objects.values_list("status", "due_at").get() == ("scheduled", due)
    assert (live(), "planned: publish" in text_of(client.get(url("release", feature)))) == (1, True)


def test_plan__withdrawal_at_a_time__leaves_it_live_until_then(client, feature):
    due = timezone.now() + timedelta(days=2)

    signed_in(client, "admin").post(url("withdraw", feature), {"when": "later", "due_at": due.isoformat()})

    assert (Plan.objects.values_list("action", "status").get(), live()) == (("withdraw", "scheduled"), 1)


@pytest.mark.parametrize(("verb", "status"), [("approve", 403), ("reject", 403), ("cancel", 302)])
def test_plan__own__may_be_called_off_but_not_decided(client, feature, verb, status):
    signed_in(client, "editor").post(url("publish", feature), {"ask": "on"})
    plan = Plan.objects.get()

    answer = client.post(url("plan", feature, plan.pk, verb), {})

    plan.refresh_from_db()
    assert (answer.status_code, plan.status) == (status, "cancelled" if verb == "cancel" else "waiting")


def test_plan__of_another_feature__is_not_reached_through_this_one(client, feature, editor):
    make_feature("poet")
    plan = plan_release("feature", "poet", by=editor, ask=True)

    signed_in(client, "admin").post(url("plan", feature, plan.pk, "approve"), {})

    plan.refresh_from_db()
    assert (plan.status, Head.objects.filter(key="poet").exists()) == ("waiting", False)


def test_plan__feature_that_needs_a_second_person__cannot_be_published_at_once(client, feature, monkeypatch):
    collect = FeatureKind.collect
    monkeypatch.setattr(FeatureKind, "collect", lambda self, key: {**collect(self, key), "needs_approval": True})
    before = state()

    answer = signed_in(client, "admin").post(url("publish", feature), {})

    assert (answer.status_code, "A second person has to approve" in text_of(answer), state()) == (409, True, before)


# --- back, and off --------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["", "7", "x", "-1", "²", "9" * 30])
def test_rollback__no_such_version__changes_nothing(client, feature, version):
    before = state()

    answer = signed_in(client, "admin").post(url("rollback", feature), {"version": version}, follow=True)

    assert (answer.status_code, state()) == (200, before)


def test_rollback__old_version__is_live_as_a_new_one(client, feature):
    signed_in(client, "admin").post(url("publish", feature), {})

    answer = client.post(url("rollback", feature), {"version": "1"}, follow=True)

    assert "Rolled back: version 3 is live, with the content of version 1." in text_of(answer)
    assert live() == 3


def test_withdraw__live__is_off_and_says_so(client, feature):
    answer = signed_in(client, "admin").post(url("withdraw", feature), {"note": "too dear"}, follow=True)

    text = text_of(answer)
    assert (live(), "Withdrawn: nobody gets it any more" in text, ">withdrawn<" in text) == (0, True, True)


@pytest.mark.parametrize("query", ["from=1&to=2", "from=x&to=y", "from=²&to=1", "to=99", "older=x", "before=-1"])
def test_release_page__any_query__opens(client, feature, query):
    assert signed_in(client, "viewer").get(url("release", feature) + f"?{query}").status_code == 200


def test_release_page__two_versions__are_compared(client, feature):
    signed_in(client, "admin").post(url("publish", feature), {})

    text = text_of(client.get(url("release", feature) + "?from=1&to=2"))

    assert ("From version 1 to version 2" in text, "(1 difference)" in text) == (True, True)


def test_release_page__changes__are_named_as_on_the_form(client, feature):
    form = {**feature.form_schema, "properties": {"name": {"type": "string", "title": "Name", "maxLength": 9}}}
    Feature.objects.update(form_schema=form, cost=7)

    text = text_of(signed_in(client, "admin").get(url("release", feature)))

    assert "<b>Form › Name › greatest length</b>" in text
    assert "<b>Price (credits per run)</b>" in text
    assert "/form/schema" not in text


def test_release_page__problem_in_a_draft_that_never_was_live__says_where(client, db):
    form = {"type": "object", "properties": {"name": {"title": "Your name", "type": "strin"}}}
    feature = make_feature(form_schema=form, cost=None)

    text = text_of(signed_in(client, "admin").get(url("release", feature)))

    assert "Form › Your name › type" in text
    assert "Failed validating" not in text
    assert "<dd>none yet</dd>" in text


def test_release_page__more_versions__costs_no_more_queries(client, feature, django_assert_max_num_queries):
    signed_in(client, "admin")
    for number in range(12):
        Feature.objects.update(title=f"Hello {number}")
        client.post(url("publish", feature), {})
    client.get(url("release", feature))

    # session, user and rights; the feature with head, plans, versions and log; collecting and checking the draft
    with django_assert_max_num_queries(45):
        client.get(url("release", feature))


# --- access, try it -------------------------------------------------------------------------------


def test_access__roles_change_in_the_draft__are_shown_beside_what_is_live(client, feature):
    from django.contrib.auth.models import Group

    feature.roles.add(Group.objects.get(name="editor"))

    text = text_of(signed_in(client, "viewer").get(url("access", feature)))

    assert "Only people with one of these roles: editor." in text
    assert text.count('class="pb-differs"') == 4  # visitor, viewer, admin, member lose it


@pytest.mark.parametrize(
    ("role", "words"),
    [("viewer", ["look at the draft"]), ("editor", ["change the draft"]), ("admin", ["roll back", "delete it"])],
)
def test_access__role__reads_what_it_may_do(client, feature, role, words):
    text = text_of(signed_in(client, role).get(url("access", feature)))

    assert [word in text for word in words] == [True] * len(words)


def test_try__live_feature__leads_to_the_storefront(client, feature):
    text = text_of(signed_in(client, "viewer").get(url("try", feature)))

    assert ("You get version 1." in text, 'href="/f/greeter"' in text) == (True, True)


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("editor", 302), ("admin", 302)])
def test_try__draft__opens_through_a_link_for_who_may_change_it(client, feature, role, status):
    page = text_of(signed_in(client, role).get(url("try", feature)))

    answer = client.post(url("preview", feature))

    assert (answer.status_code, "Look at the draft" in page) == (status, status == 302)
    if status == 302:
        token = parse_qs(urlsplit(answer["Location"]).query)["preview"][0]
        assert open_draft(token).payload["title"]["en"] == "Hello"


def test_try__nothing_live__says_so(client, db):
    text = text_of(signed_in(client, "viewer").get(url("try", make_feature())))

    assert ("there is nothing to open yet" in text, 'href="/f/greeter"' in text) == (True, False)


def test_edit__needs_approval__is_fixed_for_who_may_not_publish(client, feature):
    from tests.features.test_admin import save

    saved = save(signed_in(client, "editor"), feature, title="Mine", needs_approval="on")

    feature.refresh_from_db()
    assert (saved.status_code, feature.title, feature.needs_approval) == (302, "Mine", False)


def test_edit__stale__tells_who_changed_what_and_keeps_what_was_typed(client, feature, operator):
    from apps.features.services import update_draft
    from tests.features.test_admin import save

    feature.refresh_from_db()
    update_draft("greeter", {"title": "Olga's"}, expected_revision=1, by=operator)

    answer = save(signed_in(client, "editor"), feature, title="Mine")

    text = text_of(answer)
    assert "olga changed title from “Greeter” to “Olga&#x27;s”" in text
    assert ('value="Mine"' in text, Feature.objects.get().title) == (True, "Olga's")


@pytest.mark.parametrize(("name", "empty"), [("ui_schema", {}), ("output_ui", {}), ("table", []), ("degrade", {})])
def test_edit__emptied_editor__is_an_empty_value(client, feature, name, empty):
    from tests.features.test_admin import save

    assert save(signed_in(client, "editor"), feature, **{name: ""}).status_code == 302

    assert getattr(Feature.objects.get(), name) == empty
