"""What a prompt says of its variables, judged: every mistake with its place in the list."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from apps.core.publishing.canonical import canonical_json
from apps.prompts.variables import TYPES, fits

MAX_VARIABLES: Final = 100
MAX_CHOICES: Final = 200
MAX_DESCRIPTION: Final = 500
LONGEST: Final = 1_000_000  # of `max_length`; no text that a template makes is longer
# Words that Liquid keeps for itself: a variable of that name could never be read.
RESERVED: Final = frozenset(
    {"true", "false", "nil", "null", "empty", "blank", "and", "or", "not", "in", "contains", "offset", "limit"}
    | {"reversed", "cols", "continue", "with", "for", "as", "if", "else", "required", "forloop", "tablerowloop"}
)
_NAME = re.compile(r"[^\W\d][\w-]{0,63}\Z")
_WITH_CHOICES = frozenset({"string", "integer", "number"})

Variable = Mapping[str, Any]


@dataclass(frozen=True)
class Mistake:
    """One mistake: a stable code, a JSON pointer into the list, words."""

    code: str
    pointer: str
    message: str


def mistakes_in(variables: Any) -> list[Mistake]:
    """Everything that is wrong with a declared list; none: it may be used as it is."""
    if not isinstance(variables, list):
        return [Mistake("E_VARIABLES_SHAPE", "", _("Variables are a list of objects with a name each."))]
    if len(variables) > MAX_VARIABLES:
        return [Mistake("E_VARIABLES_SHAPE", "", _("At most %(limit)s variables.") % {"limit": MAX_VARIABLES})]
    found = [mistake for index, variable in enumerate(variables) for mistake in _of_one(f"/{index}", variable)]
    return found + list(_twice(variables))


def _of_one(at: str, variable: Any) -> Iterator[Mistake]:
    if not isinstance(variable, dict) or not isinstance(variable.get("name"), str):
        yield Mistake("E_VARIABLES_SHAPE", at, _("Variables are a list of objects with a name each."))
        return
    for rule in _RULES:
        yield from rule(at, variable)


def _twice(variables: list[Any]) -> Iterator[Mistake]:
    names = [str(v["name"]) for v in variables if isinstance(v, dict) and isinstance(v.get("name"), str)]
    counts, seen = Counter(names), set[str]()
    for index, variable in enumerate(variables):
        name = variable.get("name") if isinstance(variable, dict) else None
        if not isinstance(name, str) or counts[name] == 1:
            continue
        if name in seen:
            yield Mistake("E_VARIABLE_TWICE", f"/{index}/name", _("“%(name)s” is declared twice.") % {"name": name})
        seen.add(name)


def _name(at: str, variable: Variable) -> Iterator[Mistake]:
    name = variable["name"]
    if not _NAME.match(name):
        words = _("“%(name)s” cannot be a name: letters, digits, “_” and “-”, and no digit first.")
        yield Mistake("E_VARIABLE_NAME", f"{at}/name", words % {"name": name[:64]})
    elif name in RESERVED:
        words = _("“%(name)s” is a word of the template language; choose another name.")
        yield Mistake("E_VARIABLE_NAME", f"{at}/name", words % {"name": name})


def _fields(at: str, variable: Variable) -> Iterator[Mistake]:
    known: dict[str, Callable[[Any], bool]] = {
        "name": lambda value: True,
        "type": lambda value: True,
        "default": lambda value: True,
        "choices": lambda value: True,
        "max_length": lambda value: True,
        "required": lambda value: isinstance(value, bool),
        "description": lambda value: isinstance(value, str) and len(value) <= MAX_DESCRIPTION,
    }
    for field, value in variable.items():
        if field not in known:
            words = _("A variable has no “%(field)s”; there are: %(fields)s.")
            said = words % {"field": str(field)[:64], "fields": ", ".join(sorted(known))}
            yield Mistake("E_VARIABLE_FIELD", f"{at}/{_escaped(str(field))}", said)
        elif not known[field](value):
            words = _("“required” is true or false, “description” a text of at most %(limit)s characters.")
            yield Mistake("E_VARIABLE_FIELD", f"{at}/{field}", words % {"limit": MAX_DESCRIPTION})


def _type(at: str, variable: Variable) -> Iterator[Mistake]:
    kind = variable.get("type")
    if kind is not None and not (isinstance(kind, str) and kind in TYPES):
        words = _("“%(name)s” has a type that does not exist; there are: %(types)s.")
        said = words % {"name": variable["name"], "types": ", ".join(sorted(TYPES))}
        yield Mistake("E_VARIABLE_TYPE", f"{at}/type", said)


def _choices(at: str, variable: Variable) -> Iterator[Mistake]:
    if "choices" not in variable:
        return
    choices, kind, name = variable["choices"], _kind(variable), variable["name"]
    if not isinstance(choices, list) or not 0 < len(choices) <= MAX_CHOICES:
        words = _("The choices of “%(name)s” are a list of 1 to %(limit)s values.")
        yield Mistake("E_VARIABLE_CHOICES", f"{at}/choices", words % {"name": name, "limit": MAX_CHOICES})
        return
    if kind is not None and kind not in _WITH_CHOICES:
        words = _("“%(name)s” is of type %(type)s; only texts and numbers have choices.")
        yield Mistake("E_VARIABLE_CHOICES", f"{at}/choices", words % {"name": name, "type": kind})
        return
    yield from _each_choice(at, choices, kind, name)


def _each_choice(at: str, choices: list[Any], kind: str | None, name: str) -> Iterator[Mistake]:
    seen: set[str] = set()
    for index, choice in enumerate(choices):
        spelled = canonical_json(choice)
        if not any(fits(choice, one) for one in ([kind] if kind else _WITH_CHOICES)):
            words = _("This choice of “%(name)s” is not of its type.")
            yield Mistake("E_VARIABLE_CHOICES", f"{at}/choices/{index}", words % {"name": name})
        elif spelled in seen:
            words = _("This choice of “%(name)s” is there twice.")
            yield Mistake("E_VARIABLE_CHOICES", f"{at}/choices/{index}", words % {"name": name})
        seen.add(spelled)


def _length(at: str, variable: Variable) -> Iterator[Mistake]:
    if "max_length" not in variable:
        return
    limit = variable["max_length"]
    whole = isinstance(limit, int) and not isinstance(limit, bool)
    if not whole or not 0 < limit <= LONGEST or _kind(variable) not in ("string", None):
        words = _("“max_length” is a number from 1 to %(limit)s, and for texts alone.")
        yield Mistake("E_VARIABLE_LENGTH", f"{at}/max_length", words % {"limit": LONGEST})


def _default(at: str, variable: Variable) -> Iterator[Mistake]:
    kind, default, name = _kind(variable), variable.get("default"), variable["name"]
    if "default" not in variable or (default is None and not variable.get("required", True)):
        return
    where = f"{at}/default"
    if kind is not None and not fits(default, kind):
        words = _("The default of “%(name)s” is not of its type, %(type)s.")
        yield Mistake("E_VARIABLE_DEFAULT", where, words % {"name": name, "type": kind})
    elif isinstance(choices := variable.get("choices"), list) and not is_choice(default, choices):
        words = _("The default of “%(name)s” is not one of its choices.")
        yield Mistake("E_VARIABLE_DEFAULT", where, words % {"name": name})
    elif is_too_long(default, variable):
        words = _("The default of “%(name)s” is longer than its “max_length”.")
        yield Mistake("E_VARIABLE_DEFAULT", where, words % {"name": name})


_RULES: Final = (_name, _fields, _type, _choices, _length, _default)


def is_choice(value: Any, choices: list[Any]) -> bool:
    """Whether `value` is one of `choices`; 1 and 1.0 are the same, 1 and true are not."""
    return any(value == choice and isinstance(value, bool) == isinstance(choice, bool) for choice in choices)


def is_too_long(value: Any, variable: Variable) -> bool:
    """Whether a text is longer than its variable allows."""
    limit = variable.get("max_length")
    return isinstance(value, str) and isinstance(limit, int) and len(value) > limit


def _kind(variable: Variable) -> str | None:
    """The declared type, or None where none, or none that exists, is declared."""
    kind = variable.get("type")
    return kind if isinstance(kind, str) and kind in TYPES else None


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
