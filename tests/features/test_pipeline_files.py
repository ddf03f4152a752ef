"""Pipelines as files: layout and cases travel along, pins stay at home."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from apps.accounts.models import User
from apps.features.files.exporting import export_files
from apps.features.files.importing import import_files
from apps.features.files.plan import make_plan
from apps.features.files.problems import FilesRefused
from apps.pipelines.models import Pipeline, PipelineCase
from apps.pipelines.services import create_case, place_boxes
from tests.features.builders import make_feature, make_graph

FILE = "pipelines/greeter.yaml"
LAYOUT = {"positions": {"ask": [10, 20]}}
CASE = {
    "name": "Mia",
    "input": {"name": "Mia"},
    "pins": {},
    "mocks": {"say": {"text": "Hi, Mia."}},
    "checks": [{"type": "contains", "value": "Mia"}],
    "gated": True,
}


def parsed(folder: Path) -> Any:
    return yaml.safe_load((folder / FILE).read_text("utf-8"))


def rewrite(folder: Path, drop: str = "", **changes: Any) -> None:
    document = {name: value for name, value in (parsed(folder) | changes).items() if name != drop}
    (folder / FILE).write_text(json.dumps(document), "utf-8")


@pytest.fixture
def folder(db: None, tmp_path: Path) -> Path:
    """An export of a pipeline with a layout and one case."""
    make_feature()
    place_boxes("greeter", LAYOUT)
    create_case("greeter", CASE, by=None)
    export_files(tmp_path)
    return tmp_path


def test_export__layout_and_cases__stand_in_the_pipelines_file(folder: Path) -> None:
    document = parsed(folder)

    assert list(document) == ["key", "name", "graph", "layout", "cases"]
    assert (document["layout"], document["cases"]) == (LAYOUT, [CASE])


def test_import__elsewhere__brings_both_along_and_is_the_same_then(folder: Path, editor: User) -> None:
    PipelineCase.objects.all().delete()
    Pipeline.objects.update(layout={}, graph={}, status="ready", revision=4)

    import_files(folder, by=editor)

    row = Pipeline.objects.get()
    assert (row.layout, row.graph, row.revision) == (LAYOUT, make_graph(), 5)
    assert (row.status, row.updated_by) == ("draft", editor)
    assert PipelineCase.objects.get().as_judged() == CASE
    assert make_plan(folder).writing == []


@pytest.mark.parametrize("place", ["layout", "cases"])
def test_import__file_that_does_not_speak_of_it__leaves_it(folder: Path, editor: User, place: str) -> None:
    rewrite(folder, drop=place, name="Other")

    import_files(folder, by=editor)

    assert Pipeline.objects.get().name == "Other"
    assert (Pipeline.objects.get().layout, PipelineCase.objects.count()) == (LAYOUT, 1)


def test_import__case_that_is_gone_or_other__follows_the_file(folder: Path, editor: User) -> None:
    other = {**CASE, "name": "Bo"}
    rewrite(folder, cases=[other])

    import_files(folder, by=editor)

    assert PipelineCase.objects.get().as_judged() == other
    assert PipelineCase.history.filter(name="Mia", history_type="-").get().history_user == editor


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"layout": {"zoom": 3}}, "E_FIELD_UNKNOWN", "/layout/zoom"),
        ({"cases": [{"name": "a"}]}, "E_FIELD_MISSING", "/cases/0/input"),
        ({"cases": [{**CASE, "checks": [{"type": "magic"}]}]}, "E_CASE_CHECK_TYPE", "/cases/0/checks/0/type"),
        ({"cases": [CASE, CASE]}, "E_CASE_TWICE", "/cases/1/name"),
    ],
)
def test_import__wrong__is_refused_whole(folder: Path, editor: User, changes: Any, code: str, pointer: str) -> None:
    rewrite(folder, name="Other", **changes)

    with pytest.raises(FilesRefused) as refused:
        import_files(folder, by=editor)

    told = [(problem["code"], problem["pointer"]) for problem in refused.value.details["problems"]]
    assert (code, pointer) in told
    assert Pipeline.objects.get().name == "greeter"
