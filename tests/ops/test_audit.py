"""An audit that could not ask says so."""

import pytest

from ops import audit as module
from ops.audit import NOT_CHECKED, Dependency, audit

CLEAN: Dependency = {"name": "django", "version": "5.2.19", "vulns": []}
BAD: Dependency = {"name": "pillow", "version": "9.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["9.1"]}]}
SKIPPED: Dependency = {"name": "celery", "skip_reason": "not found"}


def answer(monkeypatch: pytest.MonkeyPatch, **reports: list[Dependency]) -> None:
    monkeypatch.setattr(module, "_ask", lambda service, _: reports.get(service, []))
    monkeypatch.delenv("PAIBAN_OFFLINE_AUDIT", raising=False)


def test_audit__everything_looked_up__passes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, pypi=[CLEAN])

    assert audit({}) == 0
    assert capsys.readouterr().out == "pip-audit: 1 locked packages, no known vulnerability.\n"


def test_audit__known_vulnerability__fails_even_where_others_were_skipped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, pypi=[SKIPPED, CLEAN, BAD])
    monkeypatch.setenv("PAIBAN_OFFLINE_AUDIT", "warn")

    assert audit({}) == 1
    assert capsys.readouterr().out == "pillow 9.0: PYSEC-1, fixed in 9.1\n"


def test_audit__first_service_away__asks_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, pypi=[SKIPPED], osv=[CLEAN])

    assert audit({}) == 0


@pytest.mark.parametrize(("wish", "code"), [("", 1), ("warn", NOT_CHECKED)])
def test_audit__nobody_to_ask__says_not_checked(
    wish: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, pypi=[SKIPPED])
    monkeypatch.setenv("PAIBAN_OFFLINE_AUDIT", wish)

    assert audit({}) == code
    assert "pip-audit: advisory service unreachable, NOT CHECKED" in capsys.readouterr().out


def test_audit__one_package_unknown__is_not_passed_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, pypi=[CLEAN, SKIPPED])

    assert audit({}) == 1
    assert "NOT CHECKED (not looked up: celery)" in capsys.readouterr().out
