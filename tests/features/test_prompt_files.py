"""Prompts as files: labels travel with their texts, cases with their checks, numbers stay at home."""

import json

import pytest
import yaml

from apps.features.files.exporting import export_files
from apps.features.files.importing import import_files
from apps.features.files.plan import make_plan
from apps.features.files.problems import FilesRefused
from apps.features.services import publish_feature
from apps.prompts.models import Prompt, PromptCase, PromptLabel, PromptVersion
from apps.prompts.services import save_version, update_prompt
from tests.features.builders import make_feature, make_graph
from tests.prompts.builders import change, make_case, make_label, make_versions

FILE = "prompts/greeting.yaml"
EMPTY = {"name": "a", "values": {}, "checks": [], "gated": True}


def graph_with(reference: str) -> dict:
    graph = make_graph()
    graph["nodes"][1]["config"]["prompt"] = reference
    return graph


def parsed(folder):
    return yaml.safe_load((folder / FILE).read_text("utf-8"))


def rewrite(folder, **changes):
    document = parsed(folder) | changes
    (folder / FILE).write_text(json.dumps(document), "utf-8")


def labelled():
    return {label.name: label.version.body for label in PromptLabel.objects.select_related("version")}


@pytest.fixture
def folder(db, tmp_path):
    """An export of a prompt with a labelled older text and one case."""
    make_versions("greeting", "Greet {{ name }}.", "Hail {{ name }}.")
    make_label("greeting", "production", 1)
    make_case()
    update_prompt("greeting", {"gate_share": 80}, expected_revision=2, by=None)
    export_files(tmp_path)
    return tmp_path


def test_export__labels_and_cases__stand_in_the_prompts_file(folder):
    document = parsed(folder)

    variables = [{"name": "name", "required": True, "type": "string"}]
    assert document["body"] == "Hail {{ name }}."
    assert document["gate"] == {"share": 80, "p95_ms": None, "cost_micro": None}
    assert document["labels"] == {
        "production": {"note": "v1", "system": "", "body": "Greet {{ name }}.", "variables": variables}
    }
    assert document["cases"] == [
        {"name": "Mia", "values": {"name": "Mia"}, "checks": [{"type": "contains", "value": "Mia"}], "gated": True}
    ]


def test_import__elsewhere__brings_everything_along_and_is_the_same_then(folder, editor, tmp_path_factory):
    Prompt.objects.all().delete()

    import_files(folder, by=editor)

    prompt = Prompt.objects.get()
    assert (prompt.body, prompt.gate_share, labelled()) == ("Hail {{ name }}.", 80, {"production": "Greet {{ name }}."})
    assert [(v.number, v.note, v.author) for v in PromptVersion.objects.all()] == [(1, "v1", editor)]
    assert PromptCase.objects.get().checks == [{"type": "contains", "value": "Mia"}]
    assert make_plan(folder).writing == []
    again = tmp_path_factory.mktemp("again")
    export_files(again)
    assert (again / FILE).read_bytes() == (folder / FILE).read_bytes()


def test_import__text_that_has_a_number_here__gets_no_other(folder):
    PromptLabel.objects.all().delete()

    import_files(folder, by=None)

    assert PromptLabel.objects.get().version.number == 1
    assert PromptVersion.objects.count() == 2


def test_import__label_and_case_gone_from_the_file__are_taken_off(folder):
    rewrite(folder, labels={}, cases=[])

    import_files(folder, by=None)

    assert (labelled(), PromptCase.objects.count(), PromptVersion.objects.count()) == ({}, 0, 2)


def test_import__file_that_says_nothing_of_them__leaves_labels_and_cases(folder):
    document = {name: parsed(folder)[name] for name in ("key", "name", "system", "variables")}
    (folder / FILE).write_text(yaml.safe_dump(document | {"body": "Newer {{ name }}."}, sort_keys=False), "utf-8")

    import_files(folder, by=None)

    prompt = Prompt.objects.get()
    assert (prompt.body, prompt.gate_share, prompt.cases.count()) == ("Newer {{ name }}.", 80, 1)
    assert labelled() == {"production": "Greet {{ name }}."}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        (
            {"cases": [EMPTY | {"checks": [{"type": "eval"}]}]},
            "/cases/0/checks/0/type",
        ),
        ({"cases": [dict(EMPTY), dict(EMPTY)]}, "/cases/1/name"),
        ({"cases": [{"name": "a", "values": {}, "checks": []}]}, "/cases/0/gated"),
        ({"labels": {"1": {"note": "", "system": "", "body": "", "variables": []}}}, "/labels"),
        ({"labels": {"a": {"body": ""}}}, "/labels/a/note"),
        ({"gate": {"share": 101, "p95_ms": None, "cost_micro": None}}, "/gate/share"),
        ({"model_defaults": {"colour": 1}}, "/model_defaults/colour"),
    ],
)
def test_import__bad_extras__are_refused_with_their_place(folder, changes, pointer):
    rewrite(folder, body="other", **changes)

    with pytest.raises(FilesRefused) as refused:
        import_files(folder, by=None)

    assert pointer in [problem["pointer"] for problem in refused.value.details["problems"]]
    assert Prompt.objects.get().body == "Hail {{ name }}."


def test_import__pinned_reference_that_is_nowhere__is_a_warning(folder):
    make_feature(graph=graph_with("greeting@staging"))
    make_feature("second", graph=graph_with("greeting@9"))
    make_feature("third", graph=graph_with("greeting@production"))
    export_files(folder)

    plan = make_plan(folder)

    told = [(w.file, w.message) for w in plan.warnings if w.code == "E_PART_MISSING"]
    assert told == [
        ("features/greeter.yaml", "“greeting@staging” is used and exists neither in the files nor here."),
        ("features/second.yaml", "“greeting@9” is used and exists neither in the files nor here."),
    ]


def test_export__feature_with_a_label__takes_what_the_labels_text_includes(folder):
    make_versions("tone", "Kindly.")
    change("greeting", body="{% render 'tone' %}{{ name }}")

    save_version("greeting", by=None)
    make_label("greeting", "staging", 3)
    change("greeting", body="{{ name }}")
    make_feature(graph=graph_with("greeting@staging"))
    other = folder / "other"

    export_files(other, features=["greeter"])

    assert sorted(path.name for path in (other / "prompts").iterdir()) == ["greeting.yaml", "tone.yaml"]


def test_export__released_label__is_a_label_again(folder):
    make_feature(graph=graph_with("greeting@production"))
    publish_feature("greeter", by=None, confirm=True, note="its case was not run")
    live = folder / "live"

    export_files(live, live=True)

    document = parsed(live)
    assert (document["body"], document["labels"]["production"]["body"]) == ("Greet {{ name }}.", "Greet {{ name }}.")
    assert "cases" not in document
