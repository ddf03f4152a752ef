"""Releases over the management API: preview, publish, withdraw, roll out, plan, approve; and who may."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core.config import processes
from apps.core.publishing.models import Head, Plan, Release, Snapshot
from apps.features.models import Feature
from tests.conftest import Api, make_user
from tests.features.builders import make_feature

BASE = "/api/v1/admin/features"
ROLES = ["member", "viewer", "editor", "admin"]


@pytest.fixture
def draft(db):
    """Version 1 is live, and the draft has another title."""
    feature = make_feature(published=True)
    Feature.objects.update(title="Hello")
    return feature


def state() -> list[object]:
    """Everything a release could change."""
    return [list(rows.objects.values_list()) for rows in (Head, Snapshot, Release, Plan)]


def propose(user, **options):  # type: ignore[no-untyped-def]
    return Api(user).post(f"{BASE}/greeter/plans", json={"ask": True, **options})


# --- preview, log, versions -----------------------------------------------------------------------


def test_preview__changed_draft__tells_what_publishing_would_do(draft, editor):
    before = state()

    body = Api(editor).get(f"{BASE}/greeter/preview").json()

    assert [(c["path"], c["old"], c["new"]) for c in body["changes"]] == [("/title/en", "Greeter", "Hello")]
    told = {name: body[name] for name in ("live_version", "candidate_version", "needs_approval", "publishable")}
    assert told == {"live_version": 1, "candidate_version": None, "needs_approval": False, "publishable": True}
    # The only model of the tests is the mock, which is worth a warning.
    assert (len(body["sha256"]), [p["code"] for p in body["problems"]], state()) == (64, ["E_ROUTE_MOCK"], before)


def test_preview__mistake__carries_its_level(draft, editor):
    Feature.objects.update(cost=None)

    body = Api(editor).get(f"{BASE}/greeter/preview").json()

    assert [(p["path"], p["level"]) for p in body["problems"]] == [("/cost", "error"), ("/routes", "warning")]
    assert body["publishable"] is False


def test_releases__log__tells_who_when_why_from_to(draft, operator, viewer):
    Api(operator).post(f"{BASE}/publish", json={"key": "greeter", "note": "new words"})

    body = Api(viewer).get(f"{BASE}/greeter/releases").json()

    shown = [(r["action"], r["from_version"], r["to_version"], r["by"], r["note"]) for r in body["items"]]
    assert shown == [("publish", 1, 2, "olga", "new words"), ("publish", 0, 1, None, "first")]
    assert body["next"] is None


def test_releases__many__come_in_pages_without_gap(draft, operator):
    api = Api(operator)
    for number in range(24):
        Feature.objects.update(title=f"Hello {number}")
        api.post(f"{BASE}/publish", json={"key": "greeter"})

    first = api.get(f"{BASE}/greeter/releases").json()
    second = api.get(f"{BASE}/greeter/releases", params={"cursor": first["next"]}).json()

    numbers = [r["to_version"] for page in (first, second) for r in page["items"]]
    assert (numbers, second["next"]) == (list(range(25, 0, -1)), None)


@pytest.mark.parametrize("cursor", ["x", "-1", "²", "1" * 40, "1 or 1"])
def test_releases__odd_cursor__is_a_clean_400(draft, viewer, cursor):
    answer = Api(viewer).get(f"{BASE}/greeter/releases", params={"cursor": cursor})

    assert (answer.status_code, answer.json()["code"]) == (400, "CORE_2009")


def test_version__released__comes_with_its_content(draft, viewer):
    body = Api(viewer).get(f"{BASE}/greeter/versions/1").json()

    assert (body["version"], body["live"], body["payload"]["title"]["en"]) == (1, True, "Greeter")


# --- publish with what was seen -------------------------------------------------------------------


def test_publish__what_was_previewed__is_released(draft, operator):
    api = Api(operator)
    seen = api.get(f"{BASE}/greeter/preview").json()

    answer = api.post(
        f"{BASE}/publish",
        json={"key": "greeter", "expected_sha256": seen["sha256"], "expected_version": seen["live_version"]},
    )

    assert (answer.status_code, answer.json()["version"], "propagation" in answer.json()) == (200, 2, False)


@pytest.mark.parametrize(
    ("seen", "code"), [({"expected_sha256": "0" * 64}, "CORE_2031"), ({"expected_version": 0}, "CORE_2012")]
)
def test_publish__something_else_than_seen__changes_nothing(draft, operator, seen, code):
    before = state()

    answer = Api(operator).post(f"{BASE}/publish", json={"key": "greeter", **seen})

    assert (answer.status_code, answer.json()["code"], state()) == (409, code, before)


@pytest.mark.parametrize(
    "body", [{"expected_sha256": "zz"}, {"expected_version": -1}, {"confirm": "maybe"}, {"note": "x" * 501}]
)
def test_publish__odd_field__is_a_clean_400(draft, operator, body):
    before = state()

    answer = Api(operator).post(f"{BASE}/publish", json={"key": "greeter", **body})

    assert (answer.status_code, state()) == (400, before)


def test_publish__wait_for_propagation__says_how_far_it_came(draft, operator, monkeypatch):
    told = processes.Propagation(complete=False, revision=9, processes=3, behind=["web:1"], seconds=0.5)
    monkeypatch.setattr("apps.features.api.release.wait_until_propagated", lambda revision: told)

    body = Api(operator).post(f"{BASE}/publish?wait=propagated", json={"key": "greeter"}).json()

    assert (body["version"], body["propagation"]) == (2, told.as_dict())


@pytest.mark.parametrize("verb", ["publish", "rollback", "withdraw"])
def test_release__unknown_wait__is_refused_before_anything_happens(draft, operator, verb):
    before = state()

    answer = Api(operator).post(f"{BASE}/{verb}?wait=forever", json={"key": "greeter", "version": 1})

    assert (answer.status_code, answer.json()["details"]["errors"][0]["pointer"]) == (400, "/wait")
    assert state() == before


def test_withdraw__live_feature__is_off_and_logged(draft, operator):
    answer = Api(operator).post(f"{BASE}/withdraw?wait=propagated", json={"key": "greeter", "note": "too dear"})

    body = answer.json()
    assert (answer.status_code, body["live_version"], body["propagation"]["revision"]) == (200, None, body["revision"])
    latest = Release.objects.filter(key="greeter").first()
    assert latest is not None
    assert (latest.action, latest.from_version, latest.to_version, latest.note) == ("withdraw", 1, 0, "too dear")


def test_withdraw__nothing_live__is_refused(db, operator):
    make_feature()

    answer = Api(operator).post(f"{BASE}/withdraw", json={"key": "greeter"})

    assert (answer.status_code, answer.json()["code"]) == (409, "CORE_2033")


# --- gradual release ------------------------------------------------------------------------------


def test_rollout__start_change_promote__is_told_at_every_step(draft, operator):
    api, url = Api(operator), f"{BASE}/greeter/rollout"

    started = api.post(url, json={"percent": 10, "roles": ["editor"]})
    changed = api.patch(url, json={"percent": 50, "margin": None})
    promoted = api.post(f"{url}/promote", json={"note": "all well"})

    shown = [
        (a.status_code, *[a.json()[n] for n in ("running", "live_version", "candidate_version", "percent", "roles")])
        for a in (started, changed, promoted)
    ]
    assert shown == [(201, True, 1, 2, 10, ["editor"]), (200, True, 1, 2, 50, ["editor"]), (200, False, 2, None, 0, [])]
    assert (started.json()["margin"], changed.json()["margin"]) == (10, None)
    assert changed.json()["candidate"] == {"version": 2, "finished": 0, "failed": 0, "failed_share": 0.0}


def test_promote__the_candidate_that_was_seen__is_for_everybody(draft, operator):
    api, url = Api(operator), f"{BASE}/greeter/rollout"
    api.post(url, json={"percent": 10})

    answer = api.post(f"{url}/promote", json={"candidate": 2})

    assert (answer.status_code, answer.json()["live_version"], answer.json()["running"]) == (200, 2, False)


def test_promote__another_candidate_runs_by_now__is_a_conflict_and_changes_nothing(draft, operator):
    api, url = Api(operator), f"{BASE}/greeter/rollout"
    api.post(url, json={"percent": 10})
    before = state()

    answer = api.post(f"{url}/promote", json={"candidate": 7})

    assert (answer.status_code, answer.json()["code"], state()) == (409, "CORE_2012", before)


def test_rollout__stop__leaves_the_stable_version(draft, operator):
    api, url = Api(operator), f"{BASE}/greeter/rollout"
    api.post(url, json={"percent": 10})

    stopped = api.request("DELETE", url, json={"note": "no"})

    assert (stopped.status_code, stopped.json()["running"], stopped.json()["live_version"]) == (200, False, 1)
    assert Release.objects.first().note == "no"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (("PATCH", "rollout", {"percent": 5}), "CORE_2035"),
        (("DELETE", "rollout", {}), "CORE_2035"),
        (("POST", "rollout/promote", {}), "CORE_2035"),
        (("POST", "rollout/promote", {"candidate": 2}), "CORE_2035"),
        (("POST", "rollout/promote", {"candidate": 0}), "CORE_2000"),
        (("POST", "rollout", {"percent": 0}), "CORE_2000"),
        (("POST", "rollout", {"percent": 101}), "CORE_2000"),
        (("POST", "rollout", {"percent": 5, "roles": ["no-such"]}), "CORE_2000"),
        (("POST", "rollout", {"percent": 5, "margin": -1}), "CORE_2000"),
        (("POST", "rollout", {"percent": 5, "expected_sha256": "0" * 64}), "CORE_2031"),
    ],
)
def test_rollout__not_possible__is_refused_and_changes_nothing(draft, operator, call, code):
    before, (method, path, body) = state(), call

    answer = Api(operator).request(method, f"{BASE}/greeter/{path}", json=body)

    assert (answer.json()["code"], state()) == (code, before)


def test_publish__while_a_rollout_runs__is_refused(draft, operator):
    api = Api(operator)
    api.post(f"{BASE}/greeter/rollout", json={"percent": 10})
    Feature.objects.update(title="Again")

    assert api.post(f"{BASE}/publish", json={"key": "greeter"}).json()["code"] == "CORE_2034"


# --- plans ----------------------------------------------------------------------------------------


def test_plan__editor_proposes_and_operator_approves__is_released(draft, editor, operator):
    proposed = propose(editor, note="please")
    plan_id = proposed.json()["id"]

    approved = Api(operator).post(f"/api/v1/admin/plans/{plan_id}/approve", json={"note": "fine"})

    assert (proposed.status_code, proposed.json()["status"], proposed.json()["requested_by"]) == (
        201,
        "waiting",
        "eddy",
    )
    body = approved.json()
    assert (body["status"], body["approved_by"], body["decision_note"], body["result_version"]) == (
        "done",
        "olga",
        "fine",
        2,
    )
    assert Head.objects.get(key="greeter").version == 2


def test_plan__own__cannot_be_approved(draft, operator):
    plan_id = propose(operator).json()["id"]

    answer = Api(operator).post(f"/api/v1/admin/plans/{plan_id}/approve", json={})

    assert (answer.status_code, answer.json()["code"]) == (403, "CORE_2037")
    assert (Plan.objects.get().status, Head.objects.get(key="greeter").version) == ("waiting", 1)


def test_plan__with_a_time__waits_for_it(draft, operator):
    due = timezone.now() + timedelta(days=1)

    answer = Api(operator).post(f"{BASE}/greeter/plans", json={"due_at": due.isoformat(), "note": "campaign"})

    assert (answer.status_code, answer.json()["status"]) == (201, "scheduled")
    assert Plan.objects.get().due_at == due


def test_plan__rollout__keeps_its_share(draft, editor):
    body = propose(editor, action="rollout", percent=25, roles=["viewer"]).json()

    assert body["options"] == {"confirm": False, "percent": 25, "roles": ["viewer"], "margin": 10}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "CORE_2000"),
        ({"due_at": "2001-01-01T00:00:00Z"}, 422, "CORE_2039"),
        ({"due_at": "tomorrow"}, 400, "CORE_2000"),
        ({"ask": True, "action": "explode"}, 400, "CORE_2000"),
        ({"ask": True, "action": "rollout"}, 400, "CORE_2000"),
        ({"ask": True, "expected_sha256": "0" * 64}, 409, "CORE_2031"),
    ],
)
def test_plan__not_possible__is_refused_and_nothing_planned(draft, operator, body, status, code):
    answer = Api(operator).post(f"{BASE}/greeter/plans", json=body)

    assert (answer.status_code, answer.json()["code"], Plan.objects.count()) == (status, code, 0)


def test_plan__editor_without_asking__is_refused(draft, editor):
    due = (timezone.now() + timedelta(days=1)).isoformat()

    answer = propose(editor, ask=False, due_at=due)

    assert (answer.status_code, answer.json()["code"], Plan.objects.count()) == (403, "FEATURES_2084", 0)


@pytest.mark.parametrize(
    ("verb", "expected"),  # the proposer, another editor, a publisher
    [("approve", [403, 403, 200]), ("reject", [403, 403, 200]), ("cancel", [200, 403, 200])],
)
def test_decide__person__may_or_may_not(draft, editor, operator, verb, expected):
    other = make_user("ed2", role="editor")
    told = []
    for who in (editor, other, operator):
        plan_id = propose(editor).json()["id"]
        told.append(Api(who).post(f"/api/v1/admin/plans/{plan_id}/{verb}", json={}).status_code)
        Plan.objects.filter(status="waiting").delete()

    assert told == expected


def test_decide__ended_plan__says_so(draft, editor, operator):
    plan_id = propose(editor).json()["id"]
    Api(operator).post(f"/api/v1/admin/plans/{plan_id}/reject", json={})

    answer = Api(operator).post(f"/api/v1/admin/plans/{plan_id}/approve", json={})

    assert (answer.status_code, answer.json()["code"]) == (409, "CORE_2038")


@pytest.mark.parametrize("path", ["99/approve", "99", "1/explode"])
def test_plans__no_such__is_not_found(draft, operator, path):
    assert Api(operator).post(f"/api/v1/admin/plans/{path}", json={}).status_code in (404, 405)


def test_plans__open_only__leaves_out_what_ended(draft, editor, operator):
    plan_id = propose(editor).json()["id"]
    Api(operator).post(f"/api/v1/admin/plans/{plan_id}/reject", json={})
    waiting = propose(editor).json()["id"]

    api = Api(editor)
    every = [p["id"] for p in api.get(f"{BASE}/greeter/plans").json()["items"]]
    still = [p["id"] for p in api.get(f"{BASE}/greeter/plans?open=true").json()["items"]]

    assert (every, still) == ([waiting, plan_id], [waiting])


# --- who may --------------------------------------------------------------------------------------

READS = ["versions", "versions/1", "diff?from=1&to=1", "releases", "plans", "rollout"]
PUBLISHES = [
    ("POST", "publish", {"key": "greeter"}),
    ("POST", "rollback", {"key": "greeter", "version": 1}),
    ("POST", "withdraw", {"key": "greeter"}),
    ("POST", "greeter/rollout", {"percent": 10}),
    ("PATCH", "greeter/rollout", {"percent": 10}),
    ("DELETE", "greeter/rollout", {}),
    ("POST", "greeter/rollout/promote", {}),
]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("path", READS)
def test_read__role__sees_releases_as_it_sees_drafts(draft, role, path):
    answer = Api(make_user("pat", role=role)).get(f"{BASE}/greeter/{path}")

    assert answer.status_code == (403 if role == "member" else 200)


@pytest.mark.parametrize("role", ROLES)
def test_preview__role__needs_to_change_or_publish(draft, role):
    answer = Api(make_user("pat", role=role)).get(f"{BASE}/greeter/preview")

    assert answer.status_code == (200 if role in ("editor", "admin") else 403)


@pytest.mark.parametrize("role", ["member", "viewer", "editor"])
@pytest.mark.parametrize(("method", "path", "body"), PUBLISHES)
def test_release__role_without_the_right__changes_nothing(draft, role, method, path, body):
    before = state()

    answer = Api(make_user("pat", role=role)).request(method, f"{BASE}/{path}", json=body)

    assert (answer.status_code, answer.json()["code"], state()) == (403, "CORE_2002", before)


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_plan__role_without_the_right__plans_nothing(draft, role):
    assert (propose(make_user("pat", role=role)).status_code, Plan.objects.count()) == (403, 0)


@pytest.mark.parametrize("path", ["preview", "releases", "versions/1", "rollout", "plans"])
def test_read__unknown_feature__is_not_found(db, operator, path):
    assert Api(operator).get(f"{BASE}/unheard-of/{path}").status_code == 404
