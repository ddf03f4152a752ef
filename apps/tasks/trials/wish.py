"""What is asked of a trial, read from a body that may hold anything."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from django.utils.translation import gettext as _

from apps.core.errors import InvalidRequest

Mode = Literal["mock", "real"]
MODES: Final = ("mock", "real")
MOST_NAMES: Final = 300  # pins, endpoints


@dataclass(frozen=True)
class Wish:
    """A trial as it was asked for. `node` names one node to run alone, with `inputs` or with what pins give it."""

    input: Mapping[str, Any] = field(default_factory=dict)
    mode: Mode = "mock"
    graph: Mapping[str, Any] | None = None  # None: the draft as it is stored
    feature: str = ""
    node: str = ""
    inputs: Mapping[str, Any] | None = None
    pins: Mapping[str, str] = field(default_factory=dict)
    mocks: Mapping[str, Any] = field(default_factory=dict)  # outputs by node; only cases have them
    checks: tuple[Any, ...] = ()  # likewise
    fail: tuple[str, ...] = ()
    charge: bool = False
    case: str = ""


FIELDS: Final = frozenset(
    {"input", "mode", "graph", "feature", "node", "inputs", "pins", "fail", "charge", "case"},
)


def read_wish(body: Any) -> Wish:
    """The wish that a request's body holds. Raises `InvalidRequest` with a pointer for everything that is wrong."""
    if not isinstance(body, dict):
        raise InvalidRequest(details={"errors": [_error("", _("This has to be an object."))]})
    wrong = [_error(f"/{name[:64]}", _("This field is not known.")) for name in sorted(set(body) - FIELDS)]
    wrong += [_error(f"/{name}", words) for name, (fits, words) in _rules().items() if not fits(body.get(name))]
    if wrong:
        raise InvalidRequest(details={"errors": wrong})
    return Wish(
        input=body.get("input") or {},
        mode=cast(Mode, body.get("mode") or "mock"),
        graph=body.get("graph"),
        feature=body.get("feature") or "",
        node=body.get("node") or "",
        inputs=body.get("inputs"),
        pins=body.get("pins") or {},
        fail=tuple(body.get("fail") or ()),
        charge=bool(body.get("charge")),
        case=body.get("case") or "",
    )


def _rules() -> dict[str, tuple[Callable[[Any], bool], str]]:
    """Of each field, whether a value will do, and what is said when it will not."""
    obj, text = _("This has to be an object."), _("This has to be a text.")
    return {
        "input": (_is_object, obj),
        "graph": (_is_object, obj),
        "inputs": (_is_object, obj),
        "mode": (lambda value: value is None or value in MODES, _("This has to be “mock” or “real”.")),
        "feature": (_is_text, text),
        "node": (_is_text, text),
        "case": (_is_text, text),
        "pins": (_is_texts_by_name, _("This has to be an object with the name of a pin for each node.")),
        "fail": (_is_texts, _("This has to be a list of keys of endpoints.")),
        "charge": (lambda value: value is None or isinstance(value, bool), _("This has to be true or false.")),
    }


def _is_object(value: Any) -> bool:
    return value is None or isinstance(value, dict)


def _is_text(value: Any) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= 200)


def _is_texts(value: Any) -> bool:
    return value is None or (
        isinstance(value, list) and len(value) <= MOST_NAMES and all(isinstance(one, str) for one in value)
    )


def _is_texts_by_name(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and _is_texts(list(value.values())))


def _error(pointer: str, words: str) -> dict[str, str]:
    return {"pointer": pointer, "code": "invalid", "message": words}
