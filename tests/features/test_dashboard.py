"""The admin's first page: what is live, what is on its way, what needs a look."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.core import assets
from apps.core.publishing.models import Plan, Release
from apps.core.publishing.services import plan_release, start_rollout, stop_rollout
from apps.core.status import fleet
from apps.features import unpublished
from apps.features.models import Feature
from apps.features.services import publish_feature, rollback_feature, update_draft
from apps.prompts.models import Prompt
from tests.conftest import make_user
from tests.features.builders import make_feature


@pytest.fixture(autouse=True)
def _front_end(monkeypatch):
    manifest = {entry: {"file": "x-1.js"} for entry in ("src/boot.ts", "src/admin.tsx", "src/storefront.tsx")}
    monkeypatch.setattr(assets, "_manifest", lambda: manifest)


@pytest.fixture
def page(client, operator):
    client.force_login(operator)

    def read() -> str:
        return str(client.get("/admin/").content.decode())

    return read


def test_tile__live__says_since_when_and_by_whom(page, operator):
    make_feature()
    publish_feature("greeter", by=operator)
    Release.objects.update(at=timezone.now() - timedelta(hours=2))

    text = page()

    assert ("v1 live" in text, "live for 2\xa0hours, by olga" in text, "draft changed" in text) == (True, True, False)


def test_tile__seen_twice__walks_the_log_once_and_again_after_a_release(page, operator):
    make_feature()
    publish_feature("greeter", by=operator)

    def walks() -> int:
        with CaptureQueriesContext(connection) as seen:
            page()
        return sum('AS "last"' in query["sql"].replace("`", '"') for query in seen.captured_queries)

    before = [walks(), walks()]
    update_draft("greeter", {"title": "New"}, expected_revision=1, by=operator)
    publish_feature("greeter", by=make_user("otto", role="admin"))

    assert (before, walks(), walks()) == ([1, 0], 1, 0)
    assert "by otto" in page()


def test_tile__candidate__shows_its_share_and_keeps_since(page, operator):
    make_feature(published=True)
    update_draft("greeter", {"title": "New"}, expected_revision=1, by=operator)
    start_rollout("feature", "greeter", by=operator, percent=15)

    text = page()

    assert ("candidate v2 at 15 %" in text, "by a command" in text) == (True, True)


def test_tile__draft_or_a_part_saved_later__is_marked(page, operator):
    make_feature(published=True)
    Prompt.objects.get().save()
    same = page()
    prompt = Prompt.objects.get()
    prompt.body = "Hail {{ name }}."
    prompt.save()

    assert ("draft changed" in same, "draft changed" in page()) == (False, True)


def test_tile__rolled_back__the_newer_draft_is_marked(page, operator):
    make_feature(published=True)
    update_draft("greeter", {"title": "New"}, expected_revision=1, by=operator)
    publish_feature("greeter", by=operator)
    rollback_feature("greeter", to_version=1, by=operator)

    assert "draft changed" in page()


def test_tile__more_drafts_than_are_looked_at__says_only_what_is_known(page, operator, monkeypatch):
    monkeypatch.setattr(unpublished, "LOOKED_AT", 1)
    for key in ("greeter", "poet"):
        make_feature(key, published=True)
        update_draft(key, {"title": key}, expected_revision=1, by=operator)

    text = page()

    assert (text.count("draft changed"), text.count("draft saved since")) == (1, 1)


def test_plans__open__are_listed_with_their_time(page, operator):
    make_feature()
    plan_release("feature", "greeter", by=operator, due_at=timezone.now() + timedelta(days=1), note="campaign")

    text = page()

    assert ('data-testid="due"' in text, "campaign" in text, "1 plan<" in text) == (True, True, True)


def test_warnings__what_went_wrong_by_itself__is_shown(page, operator):
    make_feature(published=True)
    update_draft("greeter", {"title": "New"}, expected_revision=1, by=operator)
    plan = plan_release("feature", "greeter", by=operator, ask=True)
    problem = {"code": "CORE_2040", "message": "Version 2 went live after this was planned."}
    Plan.objects.filter(pk=plan.pk).update(status="failed", decided_at=timezone.now(), problem=problem)
    start_rollout("feature", "greeter", by=operator, percent=15)
    stop_rollout("feature", "greeter", by=None, note="9 of 10 failed", action=Release.Action.AUTO_STOP)

    text = page()

    assert [words in text for words in ("went live after this was planned", "9 of 10 failed")] == [True, True]


def test_warnings__older_than_three_days__are_gone(page, operator):
    make_feature(published=True)
    Release.objects.update(action=Release.Action.AUTO_STOP, at=timezone.now() - timedelta(days=4))

    assert 'data-testid="warnings"' not in page()


@pytest.mark.parametrize(("known", "words"), [(True, "0 processes serve revision 9"), (False, "Redis does not answer")])
def test_fleet__state__is_told_in_one_line(page, monkeypatch, known, words):
    monkeypatch.setattr("apps.features.dashboard.fleet", lambda: fleet.Fleet(known, 9))

    assert words in page()


def test_dashboard__role_without_rights__shows_nothing_of_it(client, db):
    make_feature(published=True)
    user = make_user("pat", role="viewer")
    user.groups.clear()
    client.force_login(user)

    text = client.get("/admin/").content.decode()

    assert ("Greeter" in text, 'data-testid="fleet"' in text) == (False, False)


def test_dashboard__twenty_features__cost_the_queries_of_one(page):
    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as seen:
            page()
        return [query["sql"][:60] for query in seen.captured_queries]

    make_feature("greeter", published=True)
    queries()
    one = queries()
    for number in range(19):
        make_feature(f"more-{number}", published=True)
    queries()  # a release is another revision, whose log is walked once

    assert (Feature.objects.count(), queries()) == (20, one)
