"""Files into drafts: what is planned, what is written, what is refused with nothing changed."""

import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.publishing.models import Head, Release, Snapshot
from apps.features.files import importing
from apps.features.files.exporting import export_files
from apps.features.files.folder import MAX_BYTES
from apps.features.files.importing import ImportConflict, import_files
from apps.features.files.kinds import KINDS
from apps.features.files.plan import Plan, make_plan
from apps.features.files.problems import FilesRefused
from apps.features.models import Feature, MenuGroup
from apps.features.services import publish_feature
from apps.mcp.models import Tool
from apps.pipelines.models import Pipeline
from apps.prompts.models import Prompt
from tests.features.builders import make_feature, make_graph, make_prompt
from tests.features.test_export import content
from tests.features.test_publishing import make_tool, tool_graph
from tests.features.test_yaml import texts, values


def forget_everything() -> None:
    """No draft is left, and no history of one."""
    for kind in reversed(KINDS):
        kind.model._default_manager.all().delete()
        if kind.versioned:
            kind.model.history.all().delete()  # type: ignore[attr-defined]


def state() -> dict[str, Any]:
    """Everything that a refusal must leave alone."""
    rows: dict[str, Any] = {kind.folder: list(kind.model._default_manager.order_by("pk").values()) for kind in KINDS}
    histories = {kind.folder: kind.model.history.count() for kind in KINDS if kind.versioned}  # type: ignore[attr-defined]
    roles = list(Feature.roles.through.objects.values_list("feature_id", "group_id"))
    return {**rows, "histories": histories, "roles": roles, "releases": Snapshot.objects.count()}


@pytest.fixture
def folder(db: None, tmp_path: Path) -> Path:
    """An export of one feature that is there as a draft."""
    make_feature(published=True)
    export_files(tmp_path / "config")
    return tmp_path / "config"


def rewrite(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text("utf-8")
    assert old in text
    (root / name).write_text(text.replace(old, new), "utf-8")


def actions(plan: Plan) -> dict[str, str]:
    return {step.name: step.action for step in plan.steps}


# --- the plan -------------------------------------------------------------------------------------


def test_plan__nothing_changed__is_all_the_same(folder):
    plan = make_plan(folder)

    assert set(actions(plan).values()) == {"same"}
    assert len(plan.steps) == 4
    assert (plan.writing, plan.warnings, plan.touched) == ([], [], [])


def test_plan__changes__are_structural_and_nothing_is_written(folder):
    rewrite(folder, "prompts/greeting.yaml", "Greet {{ name }}.", "Greet {{ name }} twice.")
    rewrite(folder, "pipelines/greeter.yaml", "config: {}", "config: {temperature: 1}")
    rewrite(folder, "features/greeter.yaml", "cost: 2", "cost: 3")
    before = state()

    plan = make_plan(folder)

    assert [(step.name, [change.as_dict() for change in step.changes]) for step in plan.writing] == [
        (
            "prompts/greeting.yaml",
            [
                {
                    "path": "/body",
                    "kind": "changed",
                    "old": "Greet {{ name }}.",
                    "new": "Greet {{ name }} twice.",
                    "lines": (),
                }
            ],
        ),
        (
            "pipelines/greeter.yaml",
            [{"path": "/graph/nodes/say/config/temperature", "kind": "added", "old": None, "new": 1, "lines": ()}],
        ),
        ("features/greeter.yaml", [{"path": "/cost", "kind": "changed", "old": 2, "new": 3, "lines": ()}]),
    ]
    assert state() == before


def test_plan__a_part_changes__names_the_features_to_publish(folder):
    make_feature("second")
    make_feature("third", graph=make_graph(text="none"))
    Pipeline.objects.filter(key="third").update(graph={})
    rewrite(folder, "prompts/greeting.yaml", "Greet", "Welcome")

    assert make_plan(folder).touched == ["greeter", "second"]


def test_plan__order_of_fields_and_roles_and_style__are_no_change(folder):
    Feature.objects.get().roles.set(Group.objects.filter(name__in=["admin", "member"]))
    export_files(folder)
    rewrite(folder, "features/greeter.yaml", "  - admin\n  - member\n", '  ["member", "admin"]\n')
    rewrite(folder, "menus/texts.yaml", "key: texts\n", "")
    with (folder / "menus/texts.yaml").open("a") as sink:
        sink.write("# said at the end\nkey: 'texts'\n")

    assert make_plan(folder).writing == []


def test_plan__many_features__asks_a_constant_number_of_questions(folder):
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            make_plan(folder)
        return len(seen)

    make_plan(folder)  # the index of what is live is read once
    few = count()
    for number in range(20):
        make_feature(f"feature-{number}")
    export_files(folder)

    # menus, prompts, pipelines, features with their roles, role names, tools; routes come from memory
    more = count()
    assert more == few


# --- writing --------------------------------------------------------------------------------------


def test_import__empty_database__is_the_same_again_byte_by_byte(folder, tmp_path):
    before = content(folder)
    forget_everything()

    plan = import_files(folder, by=None)

    assert set(actions(plan).values()) == {"create"}
    export_files(tmp_path / "again")
    assert content(tmp_path / "again") == before


def test_import__created__has_revision_1_a_history_and_its_roles(folder, editor):
    Feature.objects.get().roles.set(Group.objects.filter(name="member"))
    export_files(folder)
    forget_everything()

    import_files(folder, by=editor, note="commit 1a2b3c")

    feature = Feature.objects.get()
    assert (feature.revision, feature.menu.key, feature.pipeline.key) == (1, "texts", "greeter")
    assert [role.name for role in feature.roles.all()] == ["member"]
    for row in (feature, Pipeline.objects.get(), Prompt.objects.get()):
        newest = row.history.first()
        assert (newest.history_user, newest.history_change_reason) == (editor, "config import: commit 1a2b3c")


def test_import__changed__grows_the_revision_and_leaves_one_history_row(folder, editor):
    rewrite(folder, "prompts/greeting.yaml", "Greet", "Welcome")
    rewrite(folder, "features/greeter.yaml", "roles: []", "roles: [member]")
    rewrite(folder, "menus/texts.yaml", "order: 100", "order: 5")
    histories = state()["histories"]

    plan = import_files(folder, by=editor)

    assert plan.names("change") == ["menus/texts.yaml", "prompts/greeting.yaml", "features/greeter.yaml"]
    prompt, feature = Prompt.objects.get(), Feature.objects.get()
    assert (prompt.body, prompt.revision) == ("Welcome {{ name }}.", 2)
    assert (feature.revision, [role.name for role in feature.roles.all()]) == (2, ["member"])
    assert MenuGroup.objects.get().order == 5
    assert Pipeline.objects.get().revision == 1
    assert state()["histories"] == {
        "prompts": histories["prompts"] + 1,
        "pipelines": histories["pipelines"],
        "features": histories["features"] + 1,
    }
    newest = feature.history.first()
    assert (newest.history_user, newest.history_type, newest.history_change_reason) == (editor, "~", "config import")
    assert [row.group.name for row in newest.roles.all()] == ["member"]


def test_import__twice__does_nothing_the_second_time(folder):
    rewrite(folder, "features/greeter.yaml", "cost: 2", "cost: 3")
    import_files(folder, by=None)
    before = state()

    assert import_files(folder, by=None).writing == []
    assert state() == before


def test_import__anything__publishes_nothing(folder):
    heads = list(Head.objects.values())
    rewrite(folder, "features/greeter.yaml", "cost: 2", "cost: 3")

    import_files(folder, by=None)

    assert list(Head.objects.values()) == heads
    assert Snapshot.objects.filter(scope="feature").count() == 1


def test_import__what_is_not_in_the_files__stays(folder):
    make_feature("other")
    for name in ("features/greeter.yaml", "pipelines/greeter.yaml"):
        (folder / name).unlink()

    import_files(folder, by=None)

    assert set(Feature.objects.values_list("key", flat=True)) == {"greeter", "other"}


def test_import__feature_alone__uses_the_parts_that_are_here(folder):
    for name in ("menus", "pipelines", "prompts"):
        shutil.rmtree(folder / name)
    rewrite(folder, "features/greeter.yaml", "cost: 2", "cost: 3")

    import_files(folder, by=None)

    assert Feature.objects.get().cost == 3


def test_import__exported_then_published_elsewhere__releases_the_same_content(folder):
    released = Snapshot.objects.get(scope="feature").sha256
    forget_everything()
    # Another installation: neither versions nor a log of them.
    for table in (Head, Release, Snapshot):
        table.objects.filter(scope="feature").delete()

    import_files(folder, by=None)

    assert publish_feature("greeter", by=None).sha256 == released


@pytest.mark.parametrize("model", [Prompt, Pipeline, Feature, MenuGroup])
def test_import__draft_changed_after_it_was_compared__is_a_conflict_and_writes_nothing(folder, monkeypatch, model):
    for name, old, new in (
        ("menus/texts.yaml", "order: 100", "order: 5"),
        ("prompts/greeting.yaml", "Greet", "Welcome"),
        ("pipelines/greeter.yaml", "config: {}", "config: {temperature: 1}"),
        ("features/greeter.yaml", "cost: 2", "cost: 3"),
    ):
        rewrite(folder, name, old, new)
    before = state()

    def overtaken(root: Path) -> Plan:
        plan = make_plan(root)
        row = model.objects.get()
        if model is MenuGroup:
            model.objects.update(title="Overtaken")
        else:
            model.objects.update(revision=row.revision + 1)
        return plan

    monkeypatch.setattr(importing, "make_plan", overtaken)

    with pytest.raises(ImportConflict):
        import_files(folder, by=None)

    assert state() == before  # the test's other writer stood in the same transaction


def test_import__key_made_by_somebody_else_meanwhile__is_a_conflict(folder, monkeypatch):
    forget_everything()
    make = make_plan

    def overtaken(root: Path) -> Plan:
        plan = make(root)
        make_prompt()
        return plan

    monkeypatch.setattr(importing, "make_plan", overtaken)

    with pytest.raises(ImportConflict):
        import_files(folder, by=None)

    assert not Feature.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_import__two_at_once__leave_the_drafts_of_one_of_them_whole(tmp_path):
    make_feature()
    for number, name in ((1, "one"), (2, "two")):
        export_files(tmp_path / name)
        rewrite(tmp_path / name, "prompts/greeting.yaml", "Greet", f"Greet{number}")
        rewrite(tmp_path / name, "features/greeter.yaml", "cost: 2", f"cost: {number}0")
        rewrite(tmp_path / name, "menus/texts.yaml", "order: 100", f"order: {number}")
    together, ended = threading.Barrier(2, timeout=60), []

    def work(name: str) -> None:
        together.wait()
        try:
            import_files(tmp_path / name, by=None)
            ended.append("done")
        except ImportConflict:
            ended.append("conflict")
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[name]) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(ended) in (["conflict", "done"], ["done", "done"])
    feature, prompt, menu = Feature.objects.get(), Prompt.objects.get(), MenuGroup.objects.get()
    assert (feature.cost, prompt.body[:6], menu.order) in ((10, "Greet1", 1), (20, "Greet2", 2))
    assert feature.revision == prompt.revision == 1 + ended.count("done")


# --- the law --------------------------------------------------------------------------------------

words = texts.filter(lambda text: 0 < len(text) <= 80)
objects = st.dictionaries(texts, values, max_size=3)


@settings(max_examples=settings().max_examples // 3)  # each writes and reads two folders
@given(
    title=words,
    title_zh=texts.filter(lambda text: len(text) <= 80),
    body=texts,
    system=texts,
    form=objects,
    table=st.lists(values, max_size=3),
    config=objects,
    variables=st.lists(values, max_size=3),
    cost=st.none() | st.integers(0, 2**31 - 1),
    order=st.integers(-(2**31) + 1, 2**31 - 1),
)
def test_round_trip__any_texts_and_values__are_the_same_bytes(db, **drawn):
    forget_everything()
    menu = MenuGroup.objects.create(key="m", title=drawn["title"], title_zh=drawn["title_zh"], order=drawn["order"])
    make_prompt("p", name=drawn["title"], body=drawn["body"], system=drawn["system"], variables=drawn["variables"])
    graph = {"nodes": [{"id": "x", "type": "prompt", "config": drawn["config"]}], "edges": []}
    pipeline = Pipeline.objects.create(key="l", name=drawn["title"], graph=graph)
    fields = {"title": drawn["title"], "title_zh": drawn["title_zh"], "cost": drawn["cost"], "order": drawn["order"]}
    json_fields = {"form_schema": drawn["form"], "degrade": drawn["config"], "table": drawn["table"]}
    Feature.objects.create(key="f", menu=menu, pipeline=pipeline, **fields, **json_fields)

    with tempfile.TemporaryDirectory() as place:
        first, second = Path(place, "a"), Path(place, "b")
        assert export_files(first).warnings == []
        drafts = {kind.folder: [kind.document(row) for row in kind.rows()] for kind in KINDS}
        forget_everything()
        import_files(first, by=None)
        export_files(second)

        assert content(second) == content(first)
        assert {kind.folder: [kind.document(row) for row in kind.rows()] for kind in KINDS} == drafts
        assert make_plan(second).writing == []


# --- what this installation lacks -----------------------------------------------------------------


def test_plan__lacks__are_warnings_with_their_place_and_stop_nothing(db, tmp_path):
    make_tool()
    graph = tool_graph()
    graph["nodes"].append({"id": "chat", "type": "llm_chat", "config": {"model": "gpt-unheard-of"}})
    make_feature(graph=graph)
    export_files(tmp_path)
    rewrite(tmp_path, "features/greeter.yaml", "    - chat\n", "    - chat\n    - video\n")
    rewrite(tmp_path, "features/greeter.yaml", "    shop/cut: ", "    shop/gone: null\n    shop/cut: ")
    Tool.objects.update(sha256="b" * 64, seen_sha256="b" * 64)
    (tmp_path / "prompts/greeting.yaml").unlink()
    Prompt.objects.all().delete()

    plan = import_files(tmp_path, by=None)

    assert [(w.code, w.file, w.pointer, w.level, w.line > 0) for w in plan.warnings] == [
        (code, "features/greeter.yaml", pointer, "warning", True)
        for code, pointer in (
            ("E_CAPABILITY_MISSING", "/requires/capabilities"),
            ("E_MODEL_MISSING", "/requires/models"),
            ("E_TOOL_DIFFERS", "/requires/tools/shop~1cut"),
            ("E_TOOL_MISSING", "/requires/tools/shop~1gone"),
            ("E_PART_MISSING", "/pipeline"),
        )
    ]


@pytest.mark.parametrize("change", [{"allowed": False}, {"seen_sha256": "b" * 64}])
def test_plan__tool_that_may_not_be_used__is_a_warning(db, tmp_path, change):
    make_tool()
    make_feature(graph=tool_graph())
    export_files(tmp_path)
    Tool.objects.update(**change)

    assert [warning.code for warning in make_plan(tmp_path).warnings] == ["E_TOOL_BLOCKED"]


def test_plan__requires_left_out__is_computed(db, tmp_path):
    make_tool()
    make_feature(graph=tool_graph())
    export_files(tmp_path)
    name = tmp_path / "features/greeter.yaml"
    name.write_text(name.read_text("utf-8").partition("requires:")[0], "utf-8")
    Tool.objects.all().delete()

    plan = make_plan(tmp_path)

    assert plan.writing == []
    assert [warning.code for warning in plan.warnings] == ["E_TOOL_MISSING"]


# --- bad input ------------------------------------------------------------------------------------

FEATURE, PROMPT, PIPELINE, MENU = (
    "features/greeter.yaml",
    "prompts/greeting.yaml",
    "pipelines/greeter.yaml",
    "menus/texts.yaml",
)


def refused(root: Path) -> list[tuple[str, str, str]]:
    """Code, file and pointer of every problem; nothing was changed."""
    before = state()
    with pytest.raises(FilesRefused) as told:
        import_files(root, by=None)
    assert state() == before
    problems = told.value.details["problems"]
    assert all(problem["message"] for problem in problems)
    return [(problem["code"], problem["file"], problem["pointer"]) for problem in problems]


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("paiban.yaml", "format: 1", "format: 2", ("E_FORMAT", "/format")),
        ("paiban.yaml", "format: 1", "format: true", ("E_FORMAT", "/format")),
        ("paiban.yaml", "format: 1", "format: 1.0", ("E_FORMAT", "/format")),
        ("paiban.yaml", "format: 1", "version: 1", ("E_FIELD_MISSING", "/format")),
        ("paiban.yaml", "format: 1", "- 1", ("E_FIELD_TYPE", "")),
        (MENU, "order: 100", "order: 100\nicon: pen", ("E_FIELD_UNKNOWN", "/icon")),
        (MENU, "order: 100\n", "", ("E_FIELD_MISSING", "/order")),
        (MENU, "order: 100", "order: first", ("E_FIELD_TYPE", "/order")),
        (MENU, "order: 100", "order: 100.0", ("E_FIELD_TYPE", "/order")),
        (MENU, "order: 100", "order: 99999999999", ("E_FIELD_VALUE", "/order")),
        (MENU, "order: 100", "order:", ("E_FIELD_TYPE", "/order")),
        (MENU, "en: Texts", "en: ''", ("E_FIELD_VALUE", "/title/en")),
        (MENU, "en: Texts", "en: yes\n  fr: Textes", ("E_FIELD_UNKNOWN", "/title/fr")),
        (PROMPT, "body: ", "body: 12 #", ("E_FIELD_TYPE", "/body")),
        (PROMPT, "name: Greeting", f"name: {'x' * 121}", ("E_FIELD_VALUE", "/name")),
        (PROMPT, "key: greeting", "key: farewell", ("E_KEY", "/key")),
        (PROMPT, "key: greeting", "key: a/b", ("E_FIELD_VALUE", "/key")),
        (PIPELINE, "graph:\n", "graph: |\n", ("E_FIELD_TYPE", "/graph")),
        (FEATURE, "enabled: true", "enabled: yes", ("E_FIELD_TYPE", "/enabled")),
        (FEATURE, "cost: 2", "cost: -1", ("E_FIELD_VALUE", "/cost")),
        (FEATURE, "cost: 2", "cost: '2'", ("E_FIELD_TYPE", "/cost")),
        (FEATURE, "icon: sparkles", "icon: unicorn", ("E_FIELD_VALUE", "/icon")),
        (FEATURE, "  ui: {}", "  ui: []", ("E_FIELD_TYPE", "/form/ui")),
        (FEATURE, "menu: texts", "menu: nowhere", ("E_REFERENCE", "/menu")),
        (FEATURE, "pipeline: greeter", "pipeline: nowhere", ("E_REFERENCE", "/pipeline")),
        (FEATURE, "roles: []", "roles: [member, ghosts]", ("E_ROLE", "/roles/1")),
        (FEATURE, "roles: []", "roles: [member, member]", ("E_FIELD_VALUE", "/roles")),
        (FEATURE, "  tools: {}", "  tools: {a/b: short}", ("E_FIELD_VALUE", "/requires/tools/a~1b")),
        (FEATURE, "cost: 2", "cost: 2\ncost: 3", ("E_DUPLICATE_KEY", "/cost")),
        (FEATURE, "cost: 2", "cost: !!int 2", ("E_TAG", "")),
        (FEATURE, "cost: 2", "cost: &a 2", ("E_ALIAS", "")),
        (FEATURE, "cost: 2", "cost: [", ("E_YAML", "")),
    ],
)
def test_import__one_mistake__is_told_with_its_place_and_nothing_is_written(folder, name, old, new, problem):
    rewrite(folder, name, old, new)
    if name != MENU:  # something that would be written
        rewrite(folder, MENU, "order: 100", "order: 5")

    assert (problem[0], name, problem[1]) in refused(folder)


def test_import__one_mistake__is_told_with_its_line(folder):
    rewrite(folder, FEATURE, "cost: 2", "cost: -1")

    with pytest.raises(FilesRefused) as told:
        make_plan(folder)

    (problem,) = told.value.details["problems"]
    line = (folder / FEATURE).read_text("utf-8").splitlines()[problem["line"] - 1]
    assert (line, problem["message"]) == ("cost: -1", "At least 0.")


def test_import__many_mistakes__are_all_told_at_once(folder):
    rewrite(folder, MENU, "order: 100", "order: first\nicon: pen")
    rewrite(folder, PROMPT, "body:", "!x body:")
    rewrite(folder, FEATURE, "menu: texts", "menu: nowhere")
    (folder / "pipelines/b.yml").write_text("")
    (folder / "paiban.yaml").unlink()

    assert sorted(refused(folder)) == sorted(
        [
            ("E_FILE_NAME", "pipelines/b.yml", ""),
            ("E_FILE_MISSING", "paiban.yaml", ""),
            ("E_FIELD_TYPE", MENU, "/order"),
            ("E_FIELD_UNKNOWN", MENU, "/icon"),
            ("E_TAG", PROMPT, ""),
            ("E_REFERENCE", FEATURE, "/menu"),
        ]
    )


def test_import__broken_part__is_not_also_called_missing(folder):
    forget_everything()
    rewrite(folder, PIPELINE, "graph:", "graph: 1 #")
    rewrite(folder, MENU, "order:", "place:")

    assert {name for _code, name, _pointer in refused(folder)} == {PIPELINE, MENU}


@pytest.mark.parametrize("nothing", ["", "# nothing\n", "[]\n", "text\n"])
def test_import__file_without_a_mapping__is_refused(folder, nothing):
    (folder / PROMPT).write_text(nothing)

    assert refused(folder) == [("E_FIELD_TYPE", PROMPT, "")]


def test_import__not_a_folder__is_refused(db, tmp_path):
    (tmp_path / "file").write_text("format: 1\n")

    assert [code for code, _file, _pointer in refused(tmp_path / "file")] == ["E_FOLDER"]
    assert [code for code, _file, _pointer in refused(tmp_path / "nowhere")] == ["E_FOLDER"]


def test_import__empty_folder__is_no_export(db, tmp_path):
    assert refused(tmp_path) == [("E_FILE_MISSING", "paiban.yaml", "")]


def _too_large(root: Path) -> None:
    (root / PROMPT).write_bytes(b"#" * (MAX_BYTES + 1))


def _link_out(root: Path) -> None:
    (root.parent / "outside.yaml").write_text((root / PROMPT).read_text())
    (root / PROMPT).unlink()
    (root / PROMPT).symlink_to(root.parent / "outside.yaml")


def _link_up(root: Path) -> None:
    (root / PROMPT).unlink()
    (root / PROMPT).symlink_to("../../../../../../etc/passwd")


def _link_in_a_circle(root: Path) -> None:
    (root / PROMPT).unlink()
    (root / PROMPT).symlink_to("greeting.yaml")


def _pipe(root: Path) -> None:
    (root / PROMPT).unlink()
    os.mkfifo(root / PROMPT)


def _folder(root: Path) -> None:
    (root / PROMPT).unlink()
    (root / PROMPT).mkdir()


@pytest.mark.parametrize(
    ("trick", "code"),
    [
        (_too_large, "E_FILE_TOO_LARGE"),
        (_link_out, "E_LINK"),
        (_link_up, "E_LINK"),
        (_link_in_a_circle, "E_LINK"),
        (_pipe, "E_FILE_MISSING"),
        (_folder, "E_FILE_NAME"),
    ],
)
def test_import__trick_with_a_file__is_refused(folder, trick: Callable[[Path], None], code):
    trick(folder)

    assert refused(folder) == [(code, PROMPT, "")]


def test_import__folder_that_is_a_link_out__is_refused(folder):
    (folder / "prompts").rename(folder.parent / "elsewhere")
    (folder / "prompts").symlink_to(folder.parent / "elsewhere")

    assert refused(folder) == [("E_LINK", "prompts", "")]


def test_import__links_within_the_folder__are_followed_as_mounted_configuration_has_them(folder):
    (folder / "..data").mkdir()
    (folder / "prompts").rename(folder / "..data/prompts")
    (folder / "prompts").symlink_to("..data/prompts")

    assert make_plan(folder).names("same")[1] == PROMPT


@pytest.mark.parametrize("name", ["prompts/a b.yaml", "prompts/.yaml.yaml", "prompts/Ä.yaml", "features/x.json"])
def test_import__file_that_looks_like_one_of_ours_and_is_none__is_told(folder, name):
    (folder / name).write_text("")

    hidden = name.startswith("prompts/.")
    assert [problem[:2] for problem in ([] if hidden else refused(folder))] == (
        [] if hidden else [("E_FILE_NAME", name)]
    )


def test_import__other_files__are_left_alone(folder):
    (folder / "README.md").write_text("ours")
    (folder / "prompts/README.md").write_text("ours")
    (folder / "prompts/.gitkeep").write_text("")
    (folder / ".git").mkdir()

    assert make_plan(folder).writing == []


def test_import__hostile_file_of_the_largest_size__is_refused_and_not_expanded(folder):
    (folder / PROMPT).write_bytes(b"a: &a [x, x]\nb: [" + b"*a, " * 20_000 + b"]\n")

    assert {problem[0] for problem in refused(folder)} == {"E_ALIAS"}
