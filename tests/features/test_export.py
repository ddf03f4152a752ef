"""Drafts, and what is live, as files."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import Group

from apps.core.publishing.models import Snapshot
from apps.features.files.exporting import FeaturesUnknown, export_files
from apps.features.files.kinds import KINDS
from apps.features.files.problems import FilesRefused
from apps.features.files.writing import write
from apps.features.models import Feature, MenuGroup
from apps.features.publishing import FeatureKind
from apps.mcp.models import Tool
from apps.pipelines.models import Pipeline
from apps.prompts.models import Prompt
from tests.features.builders import FORM, OUTPUT, make_feature, make_graph, make_prompt
from tests.features.test_publishing import make_tool, tool_graph


def content(root: Path) -> dict[str, bytes]:
    """Every file below `root` by name."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def parsed(root: Path, name: str) -> Any:
    return yaml.safe_load((root / name).read_text("utf-8"))


def test_export__feature__holds_every_field_and_its_parts(db, tmp_path):
    make_tool()
    feature = make_feature(graph=tool_graph(), icon="pen", order=7, description="Hello", table=["name"])
    feature.roles.set(Group.objects.filter(name__in=["member", "admin"]))

    export_files(tmp_path)

    assert set(content(tmp_path)) == {
        "paiban.yaml",
        "menus/texts.yaml",
        "prompts/greeting.yaml",
        "pipelines/greeter.yaml",
        "features/greeter.yaml",
    }
    assert (tmp_path / "paiban.yaml").read_text() == "format: 1\n"
    assert (tmp_path / "menus/texts.yaml").read_text("utf-8") == (
        "key: texts\ntitle:\n  en: Texts\n  zh-hans: 文字\norder: 100\n"
    )
    told = {"key": "greeter", "name": "greeter", "graph": tool_graph(), "layout": {}, "cases": []}
    assert parsed(tmp_path, "pipelines/greeter.yaml") == told
    assert parsed(tmp_path, "prompts/greeting.yaml") == {
        "key": "greeting",
        "name": "Greeting",
        "system": "",
        "body": "Greet {{ name }}.",
        "variables": [{"name": "name", "required": True}],
        "model_defaults": {},
        "gate": {"share": 100, "p95_ms": None, "cost_micro": None},
        "labels": {},
        "cases": [],
    }
    assert parsed(tmp_path, "features/greeter.yaml") == {
        "key": "greeter",
        "title": {"en": "Greeter", "zh-hans": "问候"},
        "description": {"en": "Hello", "zh-hans": ""},
        "icon": "pen",
        "menu": "texts",
        "order": 7,
        "enabled": True,
        "roles": ["admin", "member"],
        "cost": 2,
        "needs_approval": False,
        "pipeline": "greeter",
        "form": {"schema": FORM, "ui": {}},
        "output": {"schema": OUTPUT, "ui": {}},
        "table": ["name"],
        "degrade": {},
        "requires": {"capabilities": [], "models": [], "tools": {"shop/cut": "a" * 64}},
    }


def test_export__every_field_of_the_models__stands_in_a_file_or_is_left_out_knowingly(db):
    left_out = {"id", "revision", "updated_at", "last_version", "status", "updated_by"}

    for kind in KINDS:
        own = [*kind.model._meta.concrete_fields, *kind.model._meta.many_to_many]
        assert {field.name for field in own} - left_out == set(kind.fields.values()), kind.folder


def test_export__secrets_endpoints_and_servers__stand_in_no_file(demo, tmp_path):
    export_files(tmp_path)

    everything = b"".join(content(tmp_path).values()).lower()
    for word in (b"openai", b"api_key", b"base_url", b"handler", b"secret", b"catalogue_id", b"password"):
        assert word not in everything


def test_export__twice__touches_no_file(db, tmp_path):
    make_feature()
    first = export_files(tmp_path).files
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.yaml")}

    again = export_files(tmp_path).files

    assert (again.written, again.unchanged) == ([], first.written)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.yaml")} == times


def test_export__one_change__writes_one_file_and_leaves_no_other_behind(db, tmp_path):
    make_feature()
    export_files(tmp_path)
    before = content(tmp_path)
    Prompt.objects.update(body="Greet {{ name }} twice.")

    done = export_files(tmp_path).files

    assert done.written == ["prompts/greeting.yaml"]
    assert {name for name, text in content(tmp_path).items() if before.get(name) != text} == {"prompts/greeting.yaml"}


def test_export__dry_run__writes_nothing(db, tmp_path):
    make_feature()

    done = export_files(tmp_path / "new", dry_run=True).files

    assert len(done.written) == 5
    assert not (tmp_path / "new").exists()


def test_export__chosen_feature__brings_its_parts_and_theirs_and_no_other(db, tmp_path):
    make_prompt("inner", body="{% include 'innermost' %}")
    make_prompt("innermost", system='{% liquid\n render "deepest"\n%}')
    make_prompt("deepest")
    make_prompt("greeting", body="{%- render 'inner', name: name -%} {{ name }}")
    make_prompt("unused", body="render 'deepest'")
    graph = make_graph()
    graph["nodes"].append({"id": "sub", "type": "sub_pipeline", "config": {"pipeline": "within"}})
    Pipeline.objects.create(key="within", name="Within", graph={"nodes": [], "edges": []})
    make_feature(graph=graph)
    MenuGroup.objects.create(key="empty", title="Empty")

    export_files(tmp_path, features=["greeter"])

    assert set(content(tmp_path)) == {
        "paiban.yaml",
        "menus/texts.yaml",
        "features/greeter.yaml",
        "pipelines/greeter.yaml",
        "pipelines/within.yaml",
        *(f"prompts/{key}.yaml" for key in ("greeting", "inner", "innermost", "deepest")),
    }


def test_export__parts_that_name_each_other_in_a_circle__ends(db, tmp_path):
    make_prompt("greeting", body="{% render 'echo' %}")
    make_prompt("echo", body="{% render 'greeting' %}")
    graph = {"nodes": [*make_graph()["nodes"], {"id": "s", "type": "sub_pipeline", "config": {"pipeline": "greeter"}}]}
    make_feature(graph=graph)

    export_files(tmp_path, features=["greeter"])

    assert {"prompts/echo.yaml", "prompts/greeting.yaml", "pipelines/greeter.yaml"} < set(content(tmp_path))


def test_export__unfinished_drafts__are_written_and_told(db, tmp_path):
    make_feature(graph={"nodes": "soon"}, form_schema=["later"])
    Prompt.objects.update(body="{{ unfinished")

    warnings = export_files(tmp_path).warnings

    assert [(w.code, w.file, w.pointer, w.level) for w in warnings] == [
        ("E_FIELD_TYPE", "features/greeter.yaml", "/form/schema", "warning")
    ]
    assert parsed(tmp_path, "features/greeter.yaml")["form"]["schema"] == ["later"]
    assert parsed(tmp_path, "pipelines/greeter.yaml")["graph"] == {"nodes": "soon"}


def test_export__capabilities_and_models__are_those_that_nodes_ask_for(db, tmp_path):
    graph = make_graph()
    graph["nodes"][2]["config"] = {"model": "gpt-4o"}
    make_feature(graph=graph)

    export_files(tmp_path)

    assert parsed(tmp_path, "features/greeter.yaml")["requires"] == {
        "capabilities": ["chat"],
        "models": ["gpt-4o"],
        "tools": {},
    }


def test_export__tool_that_is_not_approved__is_required_without_a_hash(db, tmp_path):
    make_tool(allowed=False)
    make_feature(graph=tool_graph())

    export_files(tmp_path)

    assert parsed(tmp_path, "features/greeter.yaml")["requires"]["tools"] == {"shop/cut": None}


# --- what is live ---------------------------------------------------------------------------------


def test_export__released__is_what_is_live_and_not_the_draft(db, tmp_path):
    make_tool()
    make_feature(graph=tool_graph(), published=True)
    make_feature("draft-only")
    export_files(tmp_path / "before", features=["greeter"])
    Feature.objects.update(title="Changed", cost=99)
    Prompt.objects.update(body="Changed {{ name }}")
    Pipeline.objects.update(graph={})
    MenuGroup.objects.update(title="Changed")
    Tool.objects.update(sha256="b" * 64)

    export_files(tmp_path / "live", live=True)

    live, before = content(tmp_path / "live"), content(tmp_path / "before")
    # Cases, labels, what they must reach and where boxes stand are no part of a release: its files say nothing of them.
    more = {"prompts/greeting.yaml", "pipelines/greeter.yaml"}
    assert all(before[name].startswith(live.pop(name)) for name in more)
    assert live == {name: text for name, text in before.items() if name not in more}


def test_export__released_with_texts_that_differ__the_last_release_decides_and_it_is_told(db, tmp_path):
    make_feature("one", published=True)
    Prompt.objects.update(body="Newer {{ name }}")
    make_feature("two", published=True)

    done = export_files(tmp_path, live=True)

    assert parsed(tmp_path, "prompts/greeting.yaml")["body"] == "Newer {{ name }}"
    assert [(w.code, w.file, w.level) for w in done.warnings] == [
        ("E_RELEASES_DIFFER", "prompts/greeting.yaml", "warning")
    ]
    assert "two" in done.warnings[0].message


def test_export__released_and_unreadable__refuses_and_writes_nothing(db, tmp_path, monkeypatch):
    make_feature(published=True)

    def refuse(self: FeatureKind, payload: Any) -> Any:
        raise ValueError("unknown node type")

    monkeypatch.setattr(FeatureKind, "load", refuse)

    with pytest.raises(FilesRefused) as refused:
        export_files(tmp_path, live=True)

    (problem,) = refused.value.details["problems"]
    assert (problem["code"], problem["file"]) == ("E_RELEASE_UNREADABLE", "features/greeter.yaml")
    assert content(tmp_path) == {}
    assert Snapshot.objects.filter(scope="feature").count() == 1


def test_export__released__writes_no_draft_that_was_never_published(db, tmp_path):
    make_feature()

    with pytest.raises(FeaturesUnknown):
        export_files(tmp_path, features=["greeter"], live=True)

    assert content(tmp_path) == {}


# --- the folder -----------------------------------------------------------------------------------


def test_export__something_is_gone__its_file_stays_unless_pruned(db, tmp_path):
    make_feature("one")
    make_feature("two")
    export_files(tmp_path)
    (tmp_path / "features/README.md").write_text("ours")
    Feature.objects.get(key="two").delete()

    kept = export_files(tmp_path).files

    assert (kept.gone, kept.removed) == (["features/two.yaml"], [])
    assert (tmp_path / "features/two.yaml").exists()

    pruned = export_files(tmp_path, prune=True).files

    assert pruned.removed == ["features/two.yaml"]
    assert not (tmp_path / "features/two.yaml").exists()
    assert (tmp_path / "features/README.md").read_text() == "ours"
    assert (tmp_path / "pipelines/two.yaml").exists()


def test_export__pruned_and_only_one_chosen__removes_nothing_that_exists(db, tmp_path):
    make_feature("one")
    make_feature("two")
    export_files(tmp_path)
    before = content(tmp_path)

    assert export_files(tmp_path, features=["one"], prune=True).files.removed == []
    assert content(tmp_path) == before


def test_export__unknown_feature__writes_nothing(db, tmp_path):
    make_feature()

    with pytest.raises(FeaturesUnknown, match="nowhere"):
        export_files(tmp_path / "new", features=["greeter", "nowhere"])

    assert not (tmp_path / "new").exists()


def refused_codes(root: Path, **options: Any) -> list[tuple[str, str]]:
    with pytest.raises(FilesRefused) as refused:
        export_files(root, **options)
    return [(problem["code"], problem["file"]) for problem in refused.value.details["problems"]]


def test_export__not_a_folder__is_refused(db, tmp_path):
    (tmp_path / "file").write_text("mine")

    assert refused_codes(tmp_path / "file") == [("E_FOLDER", str(tmp_path / "file"))]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("name", ["features", "features/greeter.yaml"])
def test_export__link_out_of_the_folder__is_refused_and_not_followed(db, tmp_path, name):
    make_feature()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "greeter.yaml").write_text("mine")
    root = tmp_path / "root"
    (root / name).parent.mkdir(parents=True)
    (root / name).symlink_to(outside if name == "features" else outside / "greeter.yaml")

    assert refused_codes(root) == [("E_LINK", name)]
    assert (outside / "greeter.yaml").read_text() == "mine"
    assert not (root / "paiban.yaml").exists()


@pytest.mark.parametrize("key", ["../escape", "a/b", "", "a b"])
def test_export__key_that_is_no_file_name__is_refused(db, tmp_path, key):
    make_prompt(key)

    assert [code for code, _file in refused_codes(tmp_path / "root")] == ["E_KEY"]
    assert content(tmp_path) == {}


def test_export__keys_that_differ_in_case__are_refused_where_files_would_collide(db, tmp_path):
    with pytest.raises(FilesRefused) as refused:
        write(tmp_path, {"menus/A.yaml": "1", "menus/a.yaml": "2"}, existing=set(), prune=False, dry_run=False)

    assert [problem["code"] for problem in refused.value.details["problems"]] == ["E_KEY"]
    assert content(tmp_path) == {}


def test_export__folder_of_a_newer_format__is_left_alone(db, tmp_path):
    make_feature()
    (tmp_path / "paiban.yaml").write_text("format: 2\n")

    assert refused_codes(tmp_path) == [("E_FORMAT", "paiban.yaml")]
    assert content(tmp_path) == {"paiban.yaml": b"format: 2\n"}


def test_export__place_that_cannot_be_written__is_told(db, tmp_path):
    make_feature()
    (tmp_path / "features").write_text("a file")
    (tmp_path / "menus/texts.yaml").mkdir(parents=True)

    assert refused_codes(tmp_path) == [
        ("E_FILE_UNWRITABLE", "features"),
        ("E_FILE_UNWRITABLE", "menus/texts.yaml"),
    ]
    assert content(tmp_path) == {"features": b"a file"}


def test_export__disk_fails_on_the_way__is_told_and_leaves_no_half_file(db, tmp_path, monkeypatch):
    make_feature()

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)

    assert refused_codes(tmp_path) == [("E_FILE_UNWRITABLE", "paiban.yaml")]
    assert content(tmp_path) == {}
