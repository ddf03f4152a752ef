"""Which features use a part: each kind, drafts and releases, what is older, and at what cost."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core.config import reader
from apps.core.publishing.models import Head
from apps.core.publishing.services import release, start_rollout, withdraw
from apps.core.publishing.usage import Kind, Use, uses_of_kind, where_used
from apps.features.models import Feature, MenuGroup
from apps.features.services import publish_feature
from apps.mcp.models import Server, Tool
from apps.pipelines.models import Pipeline
from apps.prompts.models import Prompt
from apps.providers.models import Endpoint, Offer
from tests.features.builders import make_feature, make_graph, make_model, make_prompt

KINDS: list[tuple[Kind, str]] = [
    ("prompt", "greeting"),
    ("pipeline", "greeter"),
    ("tool", "shop/cut"),
    ("server", "shop"),
    ("endpoint", "mock"),
    ("model", "mock/mock-1"),
    ("menu", "texts"),
    ("role", "member"),
    ("route", "chat"),
]


def make_tool() -> Tool:
    server = Server.objects.create(key="shop", name="Shop", catalogue_id="image-tools")
    schema = {"properties": {"x": {}}}
    return Tool.objects.create(
        server=server, name="cut", sha256="a" * 64, seen_sha256="a" * 64, allowed=True, input_schema=schema
    )


def full_graph() -> dict[str, Any]:
    """A graph that uses a prompt, a model and a tool."""
    graph = make_graph()
    cut = {
        "id": "cut",
        "type": "mcp_tool",
        "config": {"server": "shop", "tool": "cut"},
        "inputs": {"x": "{{ ask.text }}"},
    }
    graph["nodes"].insert(2, cut)
    graph["edges"] = [e for e in graph["edges"] if e["target"] != "say"]
    graph["edges"] += [{"source": "ask", "target": "cut"}, {"source": "cut", "target": "say"}]
    return graph


def make_full(*, published: bool = True) -> Feature:
    """A feature that uses one part of every kind."""
    Server.objects.exists() or make_tool()
    feature = make_feature(graph=full_graph())
    feature.roles.set([Group.objects.get(name="member")])
    if published:
        publish_feature("greeter", by=None)
    return feature


def the_use(kind: Kind, key: str) -> Use:
    (found,) = where_used(kind, key)
    return found


@pytest.mark.parametrize(("kind", "key"), KINDS)
def test_where_used__draft_only__says_so(db: None, kind: Kind, key: str) -> None:
    make_full(published=False)

    found = the_use(kind, key)

    assert (found.key, found.draft, found.live, found.candidate, found.current) == ("greeter", True, None, None, True)


@pytest.mark.parametrize(("kind", "key"), KINDS)
def test_where_used__published__names_the_live_version_and_whom_it_reaches(db: None, kind: Kind, key: str) -> None:
    feature = make_full()

    found = the_use(kind, key)

    assert (found.draft, found.live, found.current) == (True, 1, True)
    assert (found.kind, found.title, found.menu, found.roles) == ("feature", "Greeter", "Texts", ("member",))
    assert found.url == reverse("admin:features_feature_change", args=[feature.pk])
    assert found.publish_url == reverse("admin:features_feature_release", args=[feature.pk])
    assert found.only_route is (kind in ("endpoint", "model"))


def rebuild_without_parts(feature: Feature) -> None:
    """The draft lets go of every part, what is live keeps them."""
    other = MenuGroup.objects.create(key="other", title="Other")
    pipeline = Pipeline.objects.create(key="empty", name="Empty", graph={})
    Feature.objects.filter(pk=feature.pk).update(menu=other, pipeline=pipeline)
    feature.roles.clear()


@pytest.mark.parametrize(("kind", "key"), KINDS)
def test_where_used__draft_let_go_of_it__the_live_version_still_counts(db: None, kind: Kind, key: str) -> None:
    rebuild_without_parts(make_full())

    found = the_use(kind, key)

    assert (found.draft, found.live) == (False, 1)


@pytest.mark.parametrize(("kind", "key"), KINDS)
def test_where_used__withdrawn_and_let_go__is_free(db: None, kind: Kind, key: str) -> None:
    rebuild_without_parts(make_full())
    withdraw("feature", "greeter", by=None)

    assert where_used(kind, key) == []


@pytest.mark.parametrize(("kind", "key"), KINDS)
def test_where_used__only_a_candidate_uses_it__counts(db: None, kind: Kind, key: str) -> None:
    make_tool()
    feature = make_feature(graph={"nodes": [], "edges": []})
    old = {
        "schema": 1,
        "key": "greeter",
        "title": {"en": "Old"},
        "enabled": True,
        "pipeline": {"key": "old", "graph": {}},
    }
    old |= {"menu": {"group": "old", "title": {"en": "Old"}, "group_order": 1, "order": 1}, "roles": ["viewer"]}
    old |= {"prompts": {}, "tools": {}, "routes": [], "form": {"schema": {}}, "output": {"schema": {}}}
    release("feature", "greeter", old, by=None)
    Pipeline.objects.filter(key="greeter").update(graph=full_graph())
    feature.roles.set([Group.objects.get(name="member")])
    start_rollout("feature", "greeter", percent=10, by=None)
    rebuild_without_parts(feature)

    found = the_use(kind, key)

    assert (found.draft, found.live, found.candidate) == (False, None, 2)


@pytest.mark.parametrize(
    ("kind", "key", "change"),
    [
        ("prompt", "greeting", lambda: Prompt.objects.update(body="Hi {{ name }}.")),
        ("pipeline", "greeter", lambda: Pipeline.objects.update(graph=make_graph())),
        ("tool", "shop/cut", lambda: Tool.objects.update(sha256="b" * 64, seen_sha256="b" * 64)),
        ("server", "shop", lambda: Tool.objects.update(sha256="b" * 64, seen_sha256="b" * 64)),
        ("menu", "texts", lambda: MenuGroup.objects.update(title="Words")),
        ("menu", "texts", lambda: MenuGroup.objects.update(order=7)),
    ],
)
def test_where_used__part_changed_since__live_is_older_until_published(
    db: None, kind: Kind, key: str, change: Any
) -> None:
    make_full()
    change()
    graph_stays = Pipeline.objects.get(key="greeter").graph == full_graph()

    assert the_use(kind, key).current is False

    if graph_stays:
        publish_feature("greeter", by=None)
        assert (the_use(kind, key).live, the_use(kind, key).current) == (2, True)


def test_where_used__included_prompts__reach_through_the_chain(db: None) -> None:
    make_prompt("tone", body="{% render 'rules' %}")
    make_prompt("rules", body="Be kind.")
    make_prompt("alone", body="{% render 'rules' %}")
    make_prompt(body="{% render 'tone' %}")
    make_feature()

    found = uses_of_kind("prompt")

    assert {key: [use.key for use in uses] for key, uses in found.items()} == {
        "greeting": ["greeter"],
        "rules": ["greeter"],
        "tone": ["greeter"],
    }


@pytest.mark.parametrize("kind", ["sub_pipeline", "map"])
def test_where_used__pipelines_that_nodes_run__reach_through_them(db: None, kind: str) -> None:
    inner = {"nodes": [{"id": "p", "type": "prompt", "config": {"prompt": "deep"}}]}
    middle = {"nodes": [{"id": "m", "type": kind, "config": {"pipeline": "inner"}}]}
    top = {"nodes": [{"id": "t", "type": kind, "config": {"pipeline": "middle"}}]}
    inner["nodes"].append({"id": "again", "type": kind, "config": {"pipeline": "middle"}})
    make_prompt("deep")
    for key, graph in (("inner", inner), ("middle", middle)):
        Pipeline.objects.create(key=key, name=key, graph=graph)
    make_feature(graph=top)

    assert sorted(uses_of_kind("pipeline")) == ["greeter", "inner", "middle"]
    assert [use.key for use in where_used("prompt", "deep")] == ["greeter"]


def test_where_used__role_named_in_a_form__counts(db: None) -> None:
    form = {"type": "object", "properties": {"name": {"type": "string", "x-roles": ["editor", 5]}}}
    make_feature(form_schema=form)

    assert [use.key for use in where_used("role", "editor")] == ["greeter"]


def test_where_used__another_model_offers_it__is_not_the_only_route(db: None) -> None:
    make_full()
    make_model("spare")

    assert the_use("endpoint", "mock").only_route is False
    assert the_use("model", "mock/mock-1").only_route is False
    assert sorted(uses_of_kind("endpoint")) == ["mock", "spare"]


def test_where_used__node_names_its_model__only_that_is_the_route(db: None) -> None:
    graph = make_graph()
    graph["nodes"][2]["config"] = {"model": "meta/large"}
    make_feature(graph=graph)
    Offer.objects.create(endpoint=Endpoint.objects.get(), model="meta/large", capabilities=["chat"])

    assert sorted(uses_of_kind("route")) == ["chat/meta/large"]
    assert sorted(uses_of_kind("model")) == ["mock/meta/large"]
    assert the_use("model", "mock/meta/large").only_route is True


@pytest.mark.parametrize("changes", [{"enabled": False}, {"handler_key": "openai"}, {"handler_key": "gone"}])
def test_where_used__endpoint_that_cannot_answer__is_not_in_use(db: None, changes: dict[str, Any]) -> None:
    make_full()
    make_model("spare")
    Endpoint.objects.filter(key="mock").update(**changes)

    assert where_used("endpoint", "mock") == []
    assert the_use("endpoint", "spare").only_route is True


@pytest.mark.parametrize("capabilities", [[], "x", 5, {"chat": 1}, ["chat", 7]])
def test_where_used__odd_capabilities__break_nothing(db: None, capabilities: Any) -> None:
    make_full()
    Offer.objects.create(endpoint=Endpoint.objects.get(), model="odd", capabilities=capabilities)

    assert len(where_used("model", "mock/odd")) == (1 if capabilities == ["chat", 7] else 0)


@pytest.mark.parametrize("graph", [[], {"nodes": "x"}, {"nodes": [{"id": "a"}]}, {}, None, 5])
def test_where_used__draft_that_cannot_be_read__still_counts_by_its_keys(db: None, graph: Any) -> None:
    make_full()
    Pipeline.objects.update(graph=graph or {})

    assert the_use("pipeline", "greeter").draft is True
    assert (the_use("prompt", "greeting").draft, the_use("prompt", "greeting").live) == (False, 1)


def test_where_used__release_without_a_draft__is_shown_by_its_own_words(db: None) -> None:
    make_full().delete()

    found = the_use("prompt", "greeting")

    assert (found.title, found.url, found.draft, found.live) == ("Greeter", "", False, 1)


def test_where_used__several_features__stand_in_the_order_of_the_menu(db: None) -> None:
    make_feature("second", order=2)
    make_feature("first", order=1)

    assert [use.key for use in where_used("prompt", "greeting")] == ["first", "second"]


def test_where_used__published_a_moment_ago__is_seen_whatever_memory_knows(db: None) -> None:
    make_full(published=False)
    reader.all("feature")
    publish_feature("greeter", by=None)  # the message after the commit never comes

    assert the_use("prompt", "greeting").live == 1


@pytest.mark.parametrize(("kind", "key"), KINDS)
def test_where_used__twenty_features__cost_the_queries_of_one(db: None, kind: Kind, key: str) -> None:
    make_full()

    def queries() -> int:
        uses_of_kind(kind)  # the payloads are in memory then
        with CaptureQueriesContext(connection) as seen:
            uses_of_kind(kind)
        return len(seen)

    one = queries()
    for number in range(19):
        make_feature(f"more-{number}", graph=full_graph(), published=True)

    assert queries() == one
    assert one <= 8  # features, roles, heads, pipelines; then prompts, tools and servers, or endpoints and offers
    assert Head.objects.filter(scope="feature").count() == 20
