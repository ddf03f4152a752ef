"""Failpoints: off they do nothing; one that is set ends the process at the named pass and no other."""

import subprocess
import sys

import pytest

from apps.core import failpoints

PASSING = """
from apps.core.failpoints import declare, hit
declare("tests.one", "tests.two")
for number in range(1, 4):
    print(number, flush=True)
    hit("tests.two")
    hit("tests.one")
"""


def passing(point: str) -> tuple[int, str]:
    ran = subprocess.run(
        [sys.executable, "-c", PASSING], env={"PAIBAN_FAILPOINT": point}, capture_output=True, text=True, check=False
    )
    return ran.returncode, ran.stdout


@pytest.mark.parametrize(
    ("point", "end"),
    [
        ("", (0, "1\n2\n3\n")),
        ("tests.other", (0, "1\n2\n3\n")),
        ("tests.one", (failpoints.EXIT_CODE, "1\n")),
        ("tests.two:2", (failpoints.EXIT_CODE, "1\n2\n")),
        ("tests.one:4", (0, "1\n2\n3\n")),
    ],
)
def test_hit__process_with_a_failpoint__ends_there(point, end):
    assert passing(point) == end


@pytest.mark.parametrize("told", ["tests.one:0", "tests.one:", "tests.one:x", "Tests.one", "tests", "tests.one:-1"])
def test_trap__odd_setting__is_refused_before_anything_runs(told):
    with pytest.raises(ValueError, match="PAIBAN_FAILPOINT is "):
        failpoints.trap_of({"PAIBAN_FAILPOINT": told})


def test_declare__names__are_known_once(monkeypatch):
    monkeypatch.setattr(failpoints, "_declared", set())

    points = failpoints.declare("tests.b", "tests.a")

    assert points == ("tests.b", "tests.a")
    assert failpoints.names() == ("tests.a", "tests.b")
    with pytest.raises(ValueError, match="declared twice"):
        failpoints.declare("tests.a")
    with pytest.raises(ValueError, match="no name"):
        failpoints.declare("nodots")
    assert failpoints.names() == ("tests.a", "tests.b")
