"""Versions of the payload: old ones are brought up and run as before; what cannot be run is refused with the reason."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.utils import translation

from apps.core.config import reader
from apps.core.publishing.canonical import canonical_json, sha256_of
from apps.core.publishing.services import live_snapshot, publish, release, rollback
from apps.features import schema
from apps.features.closure import parts_of
from apps.features.publishing import SCOPE, FeatureKind
from apps.pipelines.engine.run import Run, execute
from apps.pipelines.graph import parse_graph
from tests.features.builders import make_feature, make_model
from tests.pipelines.builders import Checkpoints, Sink

DATA = Path(__file__).parent / "data"
GOLDEN = sorted(path.name for path in DATA.glob("*.v1.json"))


def golden(name: str = "copywriter.v1.json") -> dict[str, Any]:
    payload: dict[str, Any] = json.loads((DATA / name).read_text())
    return payload


@pytest.mark.parametrize("name", GOLDEN)
def test_load__payload_of_version_1__is_brought_up_and_nothing_else_changed(name):
    old = golden(name)

    new = schema.load(old)

    assert old == golden(name)
    added = {"schema", "table", "degrade", "needs_approval", "pipelines", "models", "tools"}
    assert {key: value for key, value in new.items() if key not in added} == {
        key: value for key, value in old.items() if key not in ("schema", "tools")
    }
    assert (new["schema"], new["table"], new["degrade"], new["pipelines"]) == (3, [], {}, {})
    assert (new["needs_approval"], new["models"]) == (False, [])
    for address, tool in old["tools"].items():
        schemas = {"input_schema": tool["input_schema"], "output_schema": tool["output_schema"]}
        described = {"description": "", "schema_sha256": sha256_of(schemas)}
        assert new["tools"][address] == {**tool, **described}


def test_load__payload_of_version_2__is_the_same_with_another_number():
    old = golden("copywriter.v2.json")

    new = schema.load(old)

    assert old == golden("copywriter.v2.json")
    assert new == {**old, "schema": 3}


def test_load__payload_of_version_2__gives_no_meaning_to_what_had_none():
    old = {**golden("copywriter.v2.json"), "pipelines": {"x": {"graph": {"nodes": []}}}}
    plain = schema.load(old)
    old["pipeline"]["graph"] |= {"limits": {"steps": 1}, "position": [1, 2]}
    node(old, 1).update(policy={"on_error": "continue"}, title=None, colour="red")
    old["pipelines"]["x"]["graph"]["grid"] = 8

    new = schema.load(old)

    del node(plain, 1)["title"]
    assert new == plain


def test_load__payload_of_version_1__runs_as_before(db):
    make_model()
    payload = schema.load(golden())

    output = async_to_sync(execute)(
        Run(
            key="t",
            graph=parse_graph(payload["pipeline"]["graph"]),
            input={"product": "a blue mug", "tone": "factual"},
            parts=parts_of(payload),
            files=None,  # type: ignore[arg-type]  # these steps use none
            journal=Checkpoints(),
            sink=Sink(),
        )
    )

    assert set(output) == {"text"}
    assert "- Product: a blue mug\n- Tone: factual" in output["text"]


def test_read__stored_version_1__is_served_brought_up_and_stays_as_it_was_stored(db):
    release(SCOPE, "copywriter", golden(), by=None)
    reader.reset()

    _version, payload = reader.get(SCOPE, "copywriter")

    stored = live_snapshot(SCOPE, "copywriter")
    assert stored is not None
    assert (payload["schema"], stored.payload) == (3, golden())
    assert stored.body == canonical_json(golden())


def test_rollback__to_version_1__releases_the_same_bytes(db):
    make_feature(published=False)
    old = release(SCOPE, "greeter", {**golden(), "key": "greeter"}, by=None)
    publish(SCOPE, "greeter", by=None, confirm=True)

    restored = rollback(SCOPE, "greeter", to_version=old.version, by=None)

    assert (restored.version, restored.body, restored.sha256) == (3, old.body, old.sha256)


def test_check__live_version_1__is_compared_as_it_is_read(db):
    make_feature()
    kind = FeatureKind()

    problems = kind.check("greeter", kind.collect("greeter"), golden())

    assert {p.path for p in problems if p.level == "break"} == {
        "/form/schema/properties/product",
        "/form/schema/properties/tone",
        "/form/schema/properties/name",
    }


@pytest.mark.parametrize("live", [{"schema": 99}, {"schema": 1}, {}])
def test_check__live_version_that_nobody_can_read__breaks_nothing(db, live):
    make_feature()
    kind = FeatureKind()

    assert [p for p in kind.check("greeter", kind.collect("greeter"), live) if p.level == "break"] == []


def node(payload: dict[str, Any], number: int) -> dict[str, Any]:
    found: dict[str, Any] = payload["pipeline"]["graph"]["nodes"][number]
    return found


def nested(levels: int) -> Any:
    value: Any = []
    for _level in range(levels):
        value = [value]
    return value


POISON = [
    (lambda p: p.clear(), "no object with a schema version"),
    (lambda p: p.update(schema="2"), "no object with a schema version"),
    (lambda p: p.update(schema=True), "no object with a schema version"),
    (lambda p: p.update(schema=0), "no object with a schema version"),
    (lambda p: p.update(schema=4), "the payload has schema 4; this Paiban reads up to 3"),
    (lambda p: p.update(schema=1) or p.pop("tools"), "cannot be brought up from schema 1: KeyError: 'tools'"),
    (lambda p: p.update(schema=1, tools=[1]), "cannot be brought up from schema 1"),
    (lambda p: p.pop("cost"), "/cost: Field required"),
    (lambda p: p.pop("form"), "/form: Field required"),
    (lambda p: p["form"].pop("schema"), "/form/schema: Field required"),
    (lambda p: p.update(cost="2"), "/cost: Input should be a valid integer"),
    (lambda p: p.update(cost=None), "/cost: Input should be a valid integer"),
    (lambda p: p.update(cost=-1), "/cost: Input should be greater than or equal to 0"),
    (lambda p: p.update(enabled=1), "/enabled: Input should be a valid boolean"),
    (lambda p: p.update(roles="admin"), "/roles: Input should be a valid list"),
    (lambda p: p.update(title="Copywriter"), "/title: Input should be a valid dictionary"),
    (lambda p: p["menu"].update(order="x"), "/menu/order: Input should be a valid integer"),
    (lambda p: p.update(degrade={"on": []}), "/degrade/on: List should have at least 1 item"),
    (lambda p: p["form"].update(schema={"type": "nope"}), "/form/schema: "),
    (lambda p: p["pipeline"].update(graph={"nodes": [{}]}), "/pipeline: /nodes/0/id: This field is needed."),
    (lambda p: p["pipeline"]["graph"].update(grid=8), "/pipeline: /grid: This field is not known."),
    (lambda p: node(p, 1).update(colour="red"), "/pipeline: /nodes/1/colour: This field is not known."),
    (lambda p: node(p, 1).update(type="nope"), "/pipeline/brief: unknown node type 'nope'"),
    (lambda p: node(p, 2).update(config={"temperature": 9}), "/pipeline/copy: config: /temperature: "),
    (lambda p: node(p, 1).update(inputs={"product": "{{ broken"}), "/pipeline/brief: The template cannot be used"),
    (lambda p: node(p, 2).update(type="condition", config={"expression": "1 +"}), "/pipeline/copy: The condition"),
    (lambda p: p.update(prompts={}), "/pipeline: the payload lacks 'copywriter' of its prompts"),
    (lambda p: p["prompts"]["copywriter"].pop("variables"), "/prompts/copywriter/variables: Field required"),
    (lambda p: p["prompts"]["copywriter"].update(body="{% nope %}"), "/prompts/copywriter/body: The template"),
    (lambda p: p["prompts"]["copywriter"].update(body="{% render 'x' %}"), "There is no prompt “x” to include"),
    (lambda p: p["prompts"]["copywriter"].update(body="{% if a %}" * 3000), "/prompts/copywriter/body: The template"),
    (lambda p: p.update(pipelines={"x": {}}), "/pipelines/x/graph: Field required"),
    (lambda p: p.update(pipelines={"x": {"graph": {"nodes": [5]}}}), "/pipelines/x: /nodes/0: This is not"),
    (lambda p: node(p, 1).update(inputs={"product": nested(990)}), "nested more than 100 deep"),
    (lambda p: p.update(tools={"s/t": {"sha256": "x"}}), "/tools/s/t/description: Field required"),
]


@pytest.mark.parametrize(("spoil", "reason"), POISON)
def test_load__poisoned__is_refused_with_the_reason(spoil, reason):
    payload = schema.load(golden())
    spoil(payload)

    with (
        translation.override("zh-hans"),  # an alarm speaks one language, whoever made it ring
        pytest.raises(ValueError) as refused,  # noqa: PT011 - the words are compared below
    ):
        schema.load(payload)

    assert reason in str(refused.value)


@pytest.mark.parametrize("payload", [None, [], "text", 5, {"schema": None}])
def test_load__no_payload_at_all__is_refused(payload):
    with pytest.raises(ValueError, match="no object with a schema version"):
        schema.load(payload)


@pytest.mark.parametrize(("spoil", "reason"), POISON[7:12])
def test_read__poisoned_snapshot__keeps_what_was_good(db, spoil, reason):
    release(SCOPE, "copywriter", golden(), by=None)
    reader.reset()
    good = reader.get(SCOPE, "copywriter")
    payload = copy.deepcopy(schema.load(golden()))
    spoil(payload)

    release(SCOPE, "copywriter", payload, by=None)

    assert reader.get(SCOPE, "copywriter") == good


def test_load__twice__is_the_same():
    once = schema.load(golden())

    assert schema.load(once) == once


def test_upgrades__every_older_version__has_one():
    assert sorted(schema.UPGRADES) == list(range(1, schema.SCHEMA_VERSION))


def test_collect__draft__has_every_field_of_the_schema_and_no_other(db):
    make_feature()

    payload = FeatureKind().collect("greeter")

    assert payload.keys() == schema.ReleasedFeature.__annotations__.keys()
    assert schema.load(payload) == payload
