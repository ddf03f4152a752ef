"""Checks of an answer, as data: no check runs code, and none takes longer than the answer is long."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import jsonschema_rs
from django.utils.translation import gettext as _

from apps.core.json_schema import nowhere
from apps.core.publishing.canonical import canonical_json

MAX_CHECKS: Final = 50
MAX_EXPECTED: Final = 20_000  # characters of an expected text, or of a schema
MAX_PATTERN: Final = 1_000
MAX_PROGRAM: Final = 1_000_000  # bytes that a compiled pattern may take
MOST: Final = 10**12
SHOWN: Final = 200  # characters of what was found instead

Mistakes = list[dict[str, object]]


@dataclass(frozen=True)
class Reply:
    """What there is to check. A cost that is not known is None, and passes no limit."""

    text: str
    latency_ms: int
    cost_micro: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What came of one check; `given` is said only when it failed."""

    type: str
    passed: bool
    expected: str
    given: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {"type": self.type, "passed": self.passed, "expected": self.expected, "given": self.given}


@dataclass(frozen=True)
class _Kind:
    """One type of check: its setting, whether a setting will do (words why not), and the check itself."""

    setting: str
    wrong: Callable[[Any], str]
    holds: Callable[[Any, Reply], bool]
    given: Callable[[Reply], str]


def judge(checks: list[Any], reply: Reply) -> list[Verdict]:
    """The verdict of each check, in their order. Checks that `case_mistakes` would refuse fail."""
    return [_judged(check, reply) for check in checks]


def _judged(check: Any, reply: Reply) -> Verdict:
    kind = KINDS.get(str(check.get("type"))) if isinstance(check, dict) else None
    if kind is None:
        return Verdict("unknown", passed=False, expected="")
    setting = check.get(kind.setting)
    passed = not kind.wrong(setting) and kind.holds(setting, reply)
    shown = setting if isinstance(setting, str) else canonical_json(setting)
    return Verdict(str(check["type"]), passed, shown[:SHOWN], "" if passed else kind.given(reply))


def case_mistakes(values: Any, checks: Any) -> Mistakes:
    """Everything that is wrong with a case: `{pointer, code, message}`."""
    found: Mistakes = []
    if not isinstance(values, dict):
        found.append({"pointer": "/values", "code": "E_CASE_VALUES", "message": _("An object, by variable.")})
    if not isinstance(checks, list) or len(checks) > MAX_CHECKS:
        words = _("A list of at most %(limit)s checks.") % {"limit": MAX_CHECKS}
        return [*found, {"pointer": "/checks", "code": "E_CASE_CHECKS", "message": words}]
    return found + [mistake for i, check in enumerate(checks) for mistake in _mistakes(f"/checks/{i}", check)]


def _mistakes(at: str, check: Any) -> Iterator[dict[str, object]]:
    kind = KINDS.get(str(check.get("type"))) if isinstance(check, dict) else None
    if kind is None:
        words = _("There is no such type of check; there are: %(types)s.") % {"types": ", ".join(KINDS)}
        yield {"pointer": f"{at}/type", "code": "E_CASE_CHECK_TYPE", "message": words}
        return
    for name in sorted(set(check) - {"type", kind.setting}):
        words = _("This check has only “type” and “%(setting)s”.") % {"setting": kind.setting}
        yield {"pointer": f"{at}/{name[:64]}", "code": "E_CASE_CHECK_FIELD", "message": words}
    if words := kind.wrong(check.get(kind.setting)):
        yield {"pointer": f"{at}/{kind.setting}", "code": "E_CASE_CHECK_VALUE", "message": words}


# --- what settings may be ---------------------------------------------------------------------


def _no_text(value: Any) -> str:
    fine = isinstance(value, str) and 0 < len(value) <= MAX_EXPECTED
    return "" if fine else _("A text of 1 to %(limit)s characters.") % {"limit": MAX_EXPECTED}


def _no_number(value: Any) -> str:
    fine = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST
    return "" if fine else _("A whole number, not below 0.")


def _no_pattern(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_PATTERN:
        return _("A pattern of 1 to %(limit)s characters.") % {"limit": MAX_PATTERN}
    try:
        _pattern(value)
    except ValueError:
        return _("Not a pattern that can be checked in time: no look-around, no back-references, no huge repetitions.")
    return ""


def _no_schema(value: Any) -> str:
    if not isinstance(value, dict) or len(canonical_json(value)) > MAX_EXPECTED:
        return _("A JSON Schema of at most %(limit)s characters.") % {"limit": MAX_EXPECTED}
    try:
        _schema(canonical_json(value))
    except (ValueError, jsonschema_rs.ReferencingError) as exc:
        return _("Not a JSON Schema: %(why)s") % {"why": str(exc).partition("\n")[0][:SHOWN]}
    return ""


# --- checks -----------------------------------------------------------------------------------


# An automaton, not a backtracker: its time grows with the text alone.
_OPTIONS: Final = jsonschema_rs.RegexOptions(size_limit=MAX_PROGRAM)


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> Any:
    return jsonschema_rs.Draft202012Validator({"type": "string", "pattern": pattern}, pattern_options=_OPTIONS)


@lru_cache(maxsize=256)
def _schema(schema: str) -> Any:
    return jsonschema_rs.Draft202012Validator(json.loads(schema), pattern_options=_OPTIONS, retriever=nowhere)


def _fits_schema(schema: Mapping[str, Any], reply: Reply) -> bool:
    try:
        answer = json.loads(reply.text)
    except (ValueError, RecursionError):
        return False
    return bool(_schema(canonical_json(schema)).is_valid(answer))


def _text(reply: Reply) -> str:
    return reply.text[:SHOWN]


def _length(reply: Reply) -> str:
    return str(len(reply.text))


def _cost(reply: Reply) -> str:
    return "?" if reply.cost_micro is None else str(reply.cost_micro)


KINDS: Final[Mapping[str, _Kind]] = {
    "contains": _Kind("value", _no_text, lambda value, reply: value in reply.text, _text),
    "not_contains": _Kind("value", _no_text, lambda value, reply: value not in reply.text, _text),
    "equals": _Kind("value", _no_text, lambda value, reply: value.strip() == reply.text.strip(), _text),
    "regex": _Kind("pattern", _no_pattern, lambda value, reply: bool(_pattern(value).is_valid(reply.text)), _text),
    "json_schema": _Kind("schema", _no_schema, _fits_schema, _text),
    "min_length": _Kind("value", _no_number, lambda value, reply: len(reply.text) >= value, _length),
    "max_length": _Kind("value", _no_number, lambda value, reply: len(reply.text) <= value, _length),
    "max_latency_ms": _Kind(
        "value", _no_number, lambda value, reply: reply.latency_ms <= value, lambda reply: str(reply.latency_ms)
    ),
    "max_cost_micro": _Kind(
        "value",
        _no_number,
        lambda value, reply: reply.cost_micro is not None and reply.cost_micro <= value,
        _cost,
    ),
}
