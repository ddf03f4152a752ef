"""The script of a mock model: what it does wrong, how fast it speaks, what it says."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from apps.providers.errors import UpstreamRefused
from apps.providers.types import Candidate

NAMES: Final = {
    "mock-chat": "",
    "mock-embedding": "",
    "mock-busy": "fail+status=429",
    "mock-cut": "cut=3",
    "mock-down": "fail",
    "mock-flaky": "fail=1",
    "mock-slow": "words=1",
    "paiban-mock": "",  # of the demo content
}
ALWAYS: Final = -1
LONGEST: Final = 100_000  # words, seconds, calls: what a slip of the finger may cost


@dataclass(frozen=True, slots=True)
class Script:
    """See the module of the handler for what each step does; -1 stands for never, and for every call in `fail`."""

    fail: int = 0
    status: int = 503
    retry: int = 0
    first: float = 0.0
    words: float = 50.0
    cut: int = -1
    stall: int = -1
    malformed: int = -1
    nousage: bool = False
    cached: int = 0
    echo: bool = False
    long: int = 0
    json: bool = False
    tool: str = ""
    filter: bool = False


FIRST_TOOL: Final = "*"
_BARE: Final = {"fail": ALWAYS, "tool": FIRST_TOOL}
_TYPES: Final = {one.name: one.type for one in fields(Script)}


def script_of(candidate: Candidate) -> Script:
    """The script of the endpoint, then of the model's name. Raises `UpstreamRefused` for one that cannot be read."""
    try:
        return _script(candidate.model, candidate.base_url)
    except ValueError as exc:
        raise UpstreamRefused(endpoint=candidate.endpoint, what=str(exc)) from exc


@lru_cache(maxsize=256)
def _script(model: str, base_url: str) -> Script:
    name, _plus, own = model.partition("+")
    steps = parse_qsl(urlsplit(base_url).query, keep_blank_values=True)
    found: dict[str, Any] = dict(_read([*steps, *_steps(NAMES.get(name, "")), *_steps(own)]))
    return replace(Script(), **found)


def _steps(written: str) -> list[tuple[str, str]]:
    return [(step.partition("=")[0], step.partition("=")[2]) for step in written.split("+") if step]


def _read(steps: list[tuple[str, str]]) -> Iterator[tuple[str, Any]]:
    for name, value in steps:
        if name not in _TYPES:
            raise ValueError(f"no such step in a mock's script: {name[:40]}")
        yield name, _value(name, value)


def _value(name: str, value: str) -> Any:
    if not value and (name in _BARE or _TYPES[name] is bool):
        return _BARE.get(name, True)
    if name == "status" and value == "timeout":
        return 0
    if _TYPES[name] is str:
        return value
    try:
        number = float(value) if _TYPES[name] is float else int(value)
    except ValueError:
        number = -1
    least = 400 if name == "status" else 0
    if _TYPES[name] is bool or not least <= number <= LONGEST:
        raise ValueError(f"no such value in a mock's script: {name}={value[:40]}")
    return number
