"""The documentation: generated pages are current, everything is explained, every link and command leads somewhere."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command, get_commands
from drf_spectacular import drainage
from drf_spectacular.generators import SchemaGenerator

from apps.core import references
from apps.core.references import environment, openapi
from apps.core.references.explanations import SECTIONS

ROOT = Path(settings.BASE_DIR)
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "bench" / "README.md", ROOT / "frontend" / "README.md"]
NAMES = sorted(str(page.relative_to(ROOT)) for page in PAGES)


def test_generate_references__nothing_changed__files_are_current() -> None:
    assert references.outdated() == [], "run: make docs"


def test_generate_references__check_and_a_file_differs__fails_and_names_it_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    monkeypatch.setattr(references, "_builders", {"docs/a.md": lambda: "new", "docs/b.md": lambda: "same"})
    settings.BASE_DIR = tmp_path  # type: ignore[attr-defined]
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.md").write_text("old\n")
    (tmp_path / "docs/b.md").write_text("same\n")

    with pytest.raises(CommandError, match=r"^docs/a\.md differ from the code\. Renew with: make docs$"):
        call_command("generate_references", "--check")

    assert (tmp_path / "docs/a.md").read_text() == "old\n"
    call_command("generate_references", verbosity=0)
    assert (tmp_path / "docs/a.md").read_text() == "new\n"
    call_command("generate_references", "--check")


def test_build_openapi__a_serializer_is_unclear__refuses_and_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SchemaGenerator, "get_schema", lambda *args, **kwargs: drainage.warn("cannot tell") or {})

    with pytest.raises(openapi.DocumentInvalid, match="cannot tell"):
        openapi.build()


def test_settings_page__every_variable_of_the_settings_modules__is_explained() -> None:
    assert environment.unexplained() == [], "add a line to apps/core/references/explanations.py"


def test_settings_page__every_line__explains_something_that_is_read() -> None:
    sources = [*ROOT.glob("config/settings/*.py"), *ROOT.glob("ops/**/*.py"), *ROOT.glob("ops/**/*.sh")]
    sources += [ROOT / name for name in ("docker-compose.yml", ".ci/run", "Dockerfile", "tests/conftest.py")]
    sources += [ROOT / "apps/core/config/processes.py"]  # what a process is called is its own environment's to say
    text = "\n".join(source.read_text() for source in sources if "docs" not in source.parts)

    gone = [one.name for section in SECTIONS for one in section.settings if not re.search(rf"\b{one.name}\b", text)]

    assert gone == []


def test_settings_page__every_variable_of_compose_and_the_example__is_explained() -> None:
    explained = {one.name for section in SECTIONS for one in section.settings}
    compose = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    example = set(re.findall(r"^# ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M))

    assert sorted((compose | example) - explained) == []


def test_operators_page__every_problem_that_stops_publishing__is_explained() -> None:
    sources = [ROOT / "apps/prompts/inclusion.py", *sorted((ROOT / "apps/pipelines/validator").glob("rules_*.py"))]
    sources += sorted((ROOT / "apps/features/checks").glob("*.py"))
    codes = {code for source in sources for code in re.findall(r'"(E_[A-Z_]+)"', source.read_text())}

    page = (ROOT / "docs/operators.md").read_text() + (ROOT / "docs/pipelines.md").read_text()

    assert codes
    assert sorted(code for code in codes if f"`{code}`" not in page) == []


@pytest.mark.parametrize("name", NAMES)
def test_link__in_a_page__leads_to_a_file_and_its_heading(name: str) -> None:
    page = ROOT / name
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", _prose(page)):
        path, _hash, anchor = target.partition("#")
        if "://" in path:
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.is_file() or (anchor and anchor not in _anchors(file)):
            broken.append(target)

    assert broken == []


@pytest.mark.parametrize("name", NAMES)
def test_command__in_a_page__is_a_make_target_or_a_management_command(name: str) -> None:
    page = (ROOT / name).read_text()
    targets = set(re.findall(r"^([a-z0-9-]+):.*##", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"(?:^|`|&& )(?:[A-Z_]+=\S+ )*make ([a-z][a-z0-9-]*)", page, re.M))
    managed = set(re.findall(r"(?:manage\.py|web manage) ([a-z_]+)", page))

    assert sorted(named - targets) == []
    assert sorted(managed - set(get_commands())) == []


def test_index__every_page__is_listed() -> None:
    index = (ROOT / "docs/index.md").read_text()
    pages = [str(page.relative_to(ROOT / "docs")) for page in ROOT.glob("docs/**/*.md") if page.name != "index.md"]

    assert [page for page in sorted(pages) if f"({page})" not in index] == []


def test_image__in_docs__is_small_and_shown_somewhere() -> None:
    shown = "\n".join((ROOT / name).read_text() for name in NAMES)

    for image in sorted((ROOT / "docs/images").iterdir()):
        assert image.stat().st_size < 300_000, image.name
        assert f"images/{image.name}" in shown, image.name


def _prose(page: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)


def _anchors(page: Path) -> set[str]:
    """The headings as links name them."""
    return {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", _prose(page), re.M)
    }
