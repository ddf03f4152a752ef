"""The documentation: generated pages are current, everything is explained, every link and command leads somewhere."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from drf_spectacular import drainage
from drf_spectacular.generators import SchemaGenerator

from apps.core import references
from apps.core.references import environment, openapi
from apps.core.references.explanations import SECTIONS

ROOT = Path(settings.BASE_DIR)


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
    text = "\n".join(source.read_text() for source in sources if "docs" not in source.parts)

    gone = [one.name for section in SECTIONS for one in section.settings if not re.search(rf"\b{one.name}\b", text)]

    assert gone == []


def test_settings_page__every_variable_of_compose_and_the_example__is_explained() -> None:
    explained = {one.name for section in SECTIONS for one in section.settings}
    compose = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    example = set(re.findall(r"^# ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M))

    assert sorted((compose | example) - explained) == []
