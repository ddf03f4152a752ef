"""The closure: all that a run needs, the same bytes whatever the order of rows, in few queries, never changed after."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.config import reader
from apps.core.publishing.canonical import canonical_json
from apps.core.publishing.models import Snapshot
from apps.features.checks.pipelines import pipelines_end
from apps.features.closure import parts_of
from apps.features.models import Feature, MenuGroup
from apps.features.publishing import SCOPE, FeatureKind
from apps.features.services import publish_feature
from apps.mcp.models import Server, Tool
from apps.pipelines.models import Pipeline
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import BaseNode, NodeConfig, NodeContext, NodeResult
from apps.pipelines.parts import MAX_DEPTH
from apps.prompts.models import Prompt
from apps.prompts.services import fill_prompt
from apps.providers.models import Endpoint, Offer
from tests.features.builders import make_feature, make_graph, make_prompt


class SubConfig(NodeConfig):
    pipeline: str


class SubNode(BaseNode):
    """Stands in for the node type that runs another pipeline."""

    type, label, Config, default_timeout, retries = "sub_pipeline", "Sub", SubConfig, 5.0, 0

    async def run(self, context: NodeContext) -> NodeResult:
        return NodeResult({})


@pytest.fixture
def sub_node(monkeypatch):
    monkeypatch.setitem(node_types(), "sub_pipeline", SubNode())


def graph_running(*keys: str) -> dict[str, Any]:
    """The usual graph with one more node for each pipeline it runs, between the model and the end."""
    graph = make_graph()
    ids = [f"run{number}" for number in range(len(keys))]
    graph["nodes"][3:3] = [
        {"id": node_id, "type": "sub_pipeline", "config": {"pipeline": key}, "inputs": {}}
        for node_id, key in zip(ids, keys, strict=True)
    ]
    graph["edges"] = [
        {"source": a["id"], "target": b["id"]} for a, b in zip(graph["nodes"], graph["nodes"][1:], strict=False)
    ]
    return graph


def make_pipeline(key: str, *runs: str, prompt: str = "greeting") -> Pipeline:
    graph = graph_running(*runs)
    graph["nodes"][1].update(config={"prompt": prompt}, inputs={"name": "Mia"})
    graph["nodes"][2].update(config={"model": f"model-{key}"})
    return Pipeline.objects.create(key=key, name=key, graph=graph)


def collect(key: str = "greeter") -> dict[str, Any]:
    return FeatureKind().collect(key)


def test_collect__sub_pipelines__bring_all_they_need(db, sub_node):
    make_feature(graph=graph_running("inner"))
    make_pipeline("inner", "deep", prompt="inner-prompt")
    make_pipeline("deep", prompt="greeting")
    make_prompt("inner-prompt", body="{% render 'shared' %}{{ name }}")
    make_prompt("shared", body="Hello")

    payload = collect()

    assert list(payload["pipelines"]) == ["deep", "inner"]
    assert payload["pipelines"]["inner"] == {"graph": Pipeline.objects.get(key="inner").graph}
    assert list(payload["prompts"]) == ["greeting", "inner-prompt", "shared"]
    assert (payload["routes"], payload["models"]) == (["chat"], ["model-deep", "model-inner"])
    assert parts_of(payload)["pipelines"] == payload["pipelines"]
    assert "E_NO_ROUTE" in codes_at("/pipelines/inner/say/config.model")


def codes_at(path: str, key: str = "greeter") -> list[str]:
    kind = FeatureKind()
    return [problem.code for problem in kind.check(key, kind.collect(key), None) if problem.path == path]


def test_check__sub_pipeline__is_judged_like_the_main_one(db, sub_node):
    make_feature(graph=graph_running("inner"))
    inner = make_pipeline("inner")
    inner.graph["nodes"][2]["inputs"] = {"text": "{{ ghost.x }}"}
    inner.graph["nodes"][1]["inputs"] = {}
    inner.save()

    assert codes_at("/pipelines/inner/say/inputs.text") == ["E_REFERENCE_UNKNOWN"]
    assert codes_at("/pipelines/inner/ask/inputs.name") == ["E_VARIABLE_UNBOUND"]


def test_check__sub_pipeline_that_is_not_there__is_named(db, sub_node):
    make_feature(graph=graph_running("ghost"))

    assert codes_at("/pipeline/run0/config.pipeline") == ["E_PIPELINE_UNKNOWN"]


@pytest.mark.parametrize(("inner", "chain"), [(["greeter"], "greeter → inner → greeter"), (["inner"], "inner → inner")])
def test_check__pipelines_that_run_each_other__are_told_as_a_chain(db, sub_node, inner, chain):
    make_feature(graph=graph_running("inner"))
    make_pipeline("inner", *inner)

    (problem,) = list(pipelines_end(collect()))

    assert (problem.code, problem.path) == ("E_PIPELINE_CYCLE", "/pipeline")
    assert problem.message == f"These pipelines run each other in a circle: {chain}."


@pytest.mark.parametrize(("levels", "codes"), [(MAX_DEPTH, []), (MAX_DEPTH + 1, ["E_PIPELINE_DEPTH"])])
def test_check__pipelines_in_a_long_chain__have_a_limit(db, sub_node, levels, codes):
    make_feature(graph=graph_running("p1"))
    for number in range(1, levels + 1):
        make_pipeline(f"p{number}", *([f"p{number + 1}"] if number < levels else []))

    assert [problem.code for problem in pipelines_end(collect())] == codes


def test_collect__many_parts__takes_a_bounded_number_of_queries(db, sub_node):
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            collect()
        return len(seen)

    make_feature(graph=graph_running("p0"))
    make_pipeline("p0", prompt="q0")
    make_prompt("q0", body="{% render 'shared' %}")
    make_prompt("shared", body="x")
    few = queries()
    for number in range(1, 20):
        make_pipeline(f"p{number}", prompt=f"q{number}")
        make_prompt(f"q{number}", body="{% render 'shared' %}")
    Pipeline.objects.filter(key="greeter").update(graph=graph_running(*[f"p{n}" for n in range(20)]))

    # the feature; its roles; one level of sub-pipelines; two levels of prompts
    assert (few, queries()) == (5, 5)
    assert len(collect()["prompts"]) == 22


def build(rng: random.Random, key: str) -> None:
    """The same feature, its rows made in a random order."""
    server = Server.objects.create(key=f"{key}-shop", name="Shop", catalogue_id="image-tools")
    makers = [
        lambda: make_prompt(f"{key}-a", body=f"{{% render '{key}-b' %}}"),
        lambda: make_prompt(f"{key}-b", body="b"),
        lambda: make_prompt(f"{key}-c", body="c"),
        *[lambda n=n: Tool.objects.create(server=server, name=n, sha256=n, seen_sha256=n, allowed=True) for n in "xyz"],
        *[lambda n=n: Pipeline.objects.create(key=f"{key}-{n}", name=n, graph=make_graph()) for n in "pq"],
    ]
    rng.shuffle(makers)
    for make in makers:
        make()
    graph = make_graph()
    graph["nodes"] += [
        {"id": f"n{n}", "type": "prompt", "config": {"prompt": f"{key}-{n}"}, "inputs": {}} for n in "ac"
    ]
    graph["nodes"] += [
        {"id": n, "type": "mcp_tool", "config": {"server": f"{key}-shop", "tool": n}, "inputs": {}} for n in "xyz"
    ]
    graph["nodes"] += [{"id": n, "type": "sub", "config": {"pipeline": f"{key}-{n}"}, "inputs": {}} for n in "pq"]
    feature = make_feature(key, graph=graph)
    roles = [Group.objects.get(name=name) for name in ("admin", "member", "viewer", "editor")]
    rng.shuffle(roles)
    for role in roles:
        feature.roles.add(role)


def test_collect__rows_in_any_order__gives_the_same_bytes(db):
    first, second = "one", "two"
    for seed in range(5):
        build(random.Random(seed), f"{first}{seed}")
        build(random.Random(seed + 100), f"{second}{seed}")

        texts = [canonical_json(collect(f"{name}{seed}")) for name in (first, second, first)]

        assert texts[0].replace(f"{first}{seed}", "k") == texts[1].replace(f"{second}{seed}", "k")
        assert texts[0] == texts[2]


EDITS = {
    "feature": lambda v: Feature.objects.update(title=v, form_schema={v: 1}, cost=len(v), table=[v], degrade={v: 1}),
    "approval": lambda v: Feature.objects.update(needs_approval=bool(v), enabled=not v),
    "menu": lambda v: MenuGroup.objects.update(title=v, order=len(v)),
    "roles": lambda v: Feature.objects.get().roles.set(Group.objects.filter(name__startswith=v[:1])),
    "role": lambda v: Group.objects.filter(name="member").update(name=f"member{v}"[:50]),
    "pipeline": lambda v: Pipeline.objects.update(graph={"nodes": v}),
    "sub-pipelines gone": lambda v: Pipeline.objects.filter(features=None).delete(),
    "prompts": lambda v: Prompt.objects.update(body=v, system=v, variables=[v]),
    "prompts gone": lambda v: Prompt.objects.all().delete(),
    "tools": lambda v: Tool.objects.update(description=v, input_schema={v: 1}, seen_sha256=v[:64], allowed=bool(v)),
    "tools gone": lambda v: Server.objects.all().delete(),
    "models": lambda v: Offer.objects.update(model=v or "x", enabled=bool(v)),
    "endpoints gone": lambda v: Endpoint.objects.all().delete(),
}


@settings(max_examples=40)
@given(edits=st.lists(st.tuples(st.sampled_from(sorted(EDITS)), st.text(max_size=8)), min_size=1, max_size=8))
def test_publish__any_edits_afterwards__change_no_byte_of_what_is_live(transactional, edits):
    with transactional():
        make_feature(graph=graph_running("inner"))
        make_pipeline("inner", prompt="style")
        make_prompt("style", body="{{ name }}{% render 'shared' %}")
        make_prompt("shared", body="shared")
        Pipeline.objects.filter(key="inner").update(graph=_without_model(Pipeline.objects.get(key="inner").graph))
        publish_feature("greeter", by=None)
        reader.reset()
        before = list(Snapshot.objects.filter(scope=SCOPE).values_list("body", "sha256"))
        payload = canonical_json(reader.get(SCOPE, "greeter"))

        for name, value in edits:
            EDITS[name](value)

        reader.reset()
        assert list(Snapshot.objects.filter(scope=SCOPE).values_list("body", "sha256")) == before
        version, live = reader.get(SCOPE, "greeter")
        assert canonical_json((version, live)) == payload
        filled = fill_prompt(live["prompts"]["style"], {"name": "Mia "}, prompts=live["prompts"])
        assert filled.body == "Mia shared"


def _without_model(graph: dict[str, Any]) -> dict[str, Any]:
    graph["nodes"][2]["config"] = {}
    return graph


@pytest.fixture
def transactional(db, sub_node):
    """Undoes each example's rows."""

    @contextmanager
    def undone() -> Iterator[None]:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
        reader.reset()

    return undone
