"""A look at a draft: what it becomes with some values, what is wrong with it and where, and what it would cost."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

from django.utils.translation import gettext as _

from apps.core.errors import ApiError
from apps.core.tokens import estimate_tokens
from apps.prompts.declarations import is_choice, is_too_long, mistakes_in
from apps.prompts.errors import TemplateInvalid
from apps.prompts.includes import Origin
from apps.prompts.inclusion import inclusion_problems
from apps.prompts.places import START, Place, place_of
from apps.prompts.pricing import input_cost
from apps.prompts.reach import named_in
from apps.prompts.services.filling import collect_prompts
from apps.prompts.templates import Reading, parse, passing, readings_of, render_draft
from apps.prompts.variables import FIELDS, Prompts, Variable, declared_by, expected, fits, needed_by, texts_of

UNSAVED: Final = "…"  # no prompt has such a key; a draft that has one stands under it
Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One thing to mend or to know, and where: in the system text, in the user text, or in the list of variables."""

    code: str
    level: Level
    field: str
    message: str
    place: Place = START
    pointer: str = ""

    def as_dict(self) -> dict[str, Any]:
        told = {"code": self.code, "level": self.level, "field": self.field, "message": self.message}
        return {**told, **self.place.as_dict(), "pointer": self.pointer}


@dataclass(frozen=True)
class Look:
    """What `look_at` found. A text that cannot be rendered is empty, and a problem says why."""

    system: str = ""
    body: str = ""
    missing: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    mistyped: list[dict[str, str]] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)
    origins: Mapping[str, list[Origin]] = field(default_factory=dict)
    model: str = ""

    def as_dict(self) -> dict[str, Any]:
        tokens = {name: estimate_tokens(text) for name, text in (("system", self.system), ("body", self.body))}
        total = sum(tokens.values())
        cost = input_cost(self.model, total) if self.model else None
        return {
            "system": self.system,
            "body": self.body,
            "missingVars": self.missing,
            "unused": self.unused,
            "mistyped": self.mistyped,
            "problems": [finding.as_dict() for finding in self.problems],
            "origins": [*_placed("system", self.system, self.origins), *_placed("body", self.body, self.origins)],
            "tokens": {**tokens, "total": total, "by": "estimate"},
            "price": None if cost is None else {"model": self.model, "input_micro": cost},
        }


@dataclass(frozen=True)
class _Draft:
    """The draft under its key among what it includes."""

    key: str
    content: Mapping[str, Any]
    prompts: Prompts

    @cached_property
    def readings(self) -> dict[str, list[Reading]]:
        """What its texts read from outside; nothing where that cannot be told, which is told elsewhere."""
        return {name: self._read(name) for name in FIELDS}

    def _read(self, name: str) -> list[Reading]:
        try:
            return readings_of(self.content[name], texts=texts_of(self.prompts))
        except ApiError:
            return []

    @cached_property
    def declared(self) -> list[Variable]:
        """Its variables, and those of what it includes as far as that can be read."""
        try:
            return needed_by(self.content, self.prompts)
        except ApiError:
            return declared_by(self.content)


def look_at(content: Mapping[str, Any], values: Mapping[str, Any], *, key: str = "", model: str = "") -> Look:
    """Everything that can be said of `content` (system, body, variables) filled with `values`. Raises nothing of ours.

    Values are data: nothing in them is rendered. One query for each level of what is included.
    """
    with passing(*(content[name] for name in FIELDS)):
        return _looked_at(_draft(content, key), values, model)


def _looked_at(draft: _Draft, values: Mapping[str, Any], model: str) -> Look:
    used = {reading.path[0] for found in draft.readings.values() for reading in found}
    declared = draft.declared
    given = _given(declared, values)
    origins: dict[str, list[Origin]] = {name: [] for name in FIELDS}
    filled = {**given, **_extra(values, declared)}
    texts = {name: _rendered(draft, name, filled, origins[name]) for name in FIELDS}
    return Look(
        system=texts["system"],
        body=texts["body"],
        missing=_missing(declared, used, given),
        unused=[variable["name"] for variable in declared_by(draft.content) if variable["name"] not in used],
        mistyped=list(_mistyped(declared, values)),
        problems=_problems(draft, given),
        origins=origins,
        model=model,
    )


def _draft(content: Mapping[str, Any], key: str) -> _Draft:
    own = key or UNSAVED
    named = {name for text in FIELDS for name in named_in(content[text])}
    return _Draft(own, content, {**collect_prompts(named - {own}), own: content})


def _given(declared: Sequence[Variable], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values and defaults; what is neither given nor needed is empty, as in a run."""
    given = {}
    for variable in declared:
        value = values.get(variable["name"], variable.get("default"))
        if value not in (None, ""):
            given[variable["name"]] = value
        elif not variable.get("required", True):
            given[variable["name"]] = ""
    return given


def _extra(values: Mapping[str, Any], declared: Sequence[Variable]) -> dict[str, Any]:
    """Values for names that are not declared yet: an editor fills them in while the declaration is still to come."""
    known = {variable["name"] for variable in declared}
    return {name: value for name, value in values.items() if name not in known}


def _rendered(draft: _Draft, name: str, given: Mapping[str, Any], origins: list[Origin]) -> str:
    try:
        return render_draft(draft.content[name], given, texts=texts_of(draft.prompts), origins=origins)
    except ApiError:
        origins.clear()
        return ""


def _placed(name: str, text: str, origins: Mapping[str, list[Origin]]) -> Iterator[dict[str, Any]]:
    """Origins as editors count: in units of UTF-16, of which an emoji takes two."""
    found = origins.get(name, [])
    wide = [at for at, character in enumerate(text) if character > "\uffff"] if found else []
    for origin in found:
        start, end = (at + bisect_left(wide, at) for at in (origin.start, origin.end))
        yield {"field": name, "key": origin.key, "start": start, "end": end}


def _missing(declared: Sequence[Variable], used: set[str], given: Mapping[str, Any]) -> list[str]:
    """What a run could not do without: needed and not given, declared or not."""
    needed = {variable["name"] for variable in declared if variable.get("required", True)}
    undeclared = used - {variable["name"] for variable in declared}
    return sorted((needed - given.keys()) | undeclared)


def _mistyped(declared: Sequence[Variable], values: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for variable in declared:
        value = values.get(variable["name"])
        if value in (None, ""):
            continue
        kind, choices = variable.get("type"), variable.get("choices")
        wrong = isinstance(kind, str) and kind in _TYPES and not fits(value, kind)
        wrong = wrong or (isinstance(choices, list) and not is_choice(value, choices))
        if wrong or is_too_long(value, variable):
            yield {"name": variable["name"], "expected": expected(variable), "given": _type_of(value)}


_TYPES: Final = ("string", "integer", "number", "boolean", "array", "object")


def _type_of(value: Any) -> str:
    return next((kind for kind in ("boolean", *_TYPES) if fits(value, kind)), "null")


# --- problems ---------------------------------------------------------------------------------


def _problems(draft: _Draft, given: Mapping[str, Any]) -> list[Finding]:
    found = [*_templates(draft), *_inclusion(draft), *_undeclared(draft)]
    for one in mistakes_in(draft.content["variables"]):
        found += [Finding(one.code, "error", "variables", one.message, pointer=one.pointer)]
    return found if any(one.level == "error" for one in found) else [*found, *_at_work(draft, given)]


def _templates(draft: _Draft) -> Iterator[Finding]:
    for name in FIELDS:
        try:
            parse(draft.content[name])
        except TemplateInvalid as exc:
            yield Finding("E_TEMPLATE", "error", name, exc.text(), _place_in(exc))


def _place_in(exc: TemplateInvalid) -> Place:
    told = exc.details
    return Place(told["line"], told["column"], told["endLine"], told["endColumn"]) if "line" in told else START


def _inclusion(draft: _Draft) -> Iterator[Finding]:
    """What is wrong with how prompts include each other, at the tag that leads there."""
    for problem in inclusion_problems(draft.prompts):
        if problem.key == draft.key:
            source = draft.content[problem.field]
            yield Finding(problem.code, "error", problem.field, problem.message, _tag_place(source, problem.message))
        else:
            words = _("In the included prompt “%(key)s”: %(what)s") % {"key": problem.key, "what": problem.message}
            name = next((f for f in FIELDS if problem.key in draft.content[f]), "body")
            place = _name_place(draft.content[name], problem.key)
            yield Finding(problem.code, "error", name, words, place)


def _tag_place(source: str, message: str) -> Place:
    """The name in `source` that the message speaks of, or the first tag that includes something."""
    named = sorted(named_in(source), key=len, reverse=True)
    return _name_place(source, next((name for name in named if name in message), named[0] if named else ""))


def _name_place(source: str, name: str) -> Place:
    for quote in "'\"":
        at = source.find(f"{quote}{name}{quote}")
        if name and at >= 0:
            return place_of(source, at, len(name) + 2)
    return START


def _undeclared(draft: _Draft) -> Iterator[Finding]:
    known = {variable["name"] for variable in draft.declared}
    for name, readings in draft.readings.items():
        for reading in readings:
            if reading.path[0] in known:
                continue
            if reading.within:
                words = _("The included prompt “%(key)s” uses “%(name)s”, which is not among the variables.")
                place = _name_place(draft.content[name], reading.within)
            else:
                words = _("“%(name)s” is not among the variables.")
                place = reading.place_in(draft.content[name])
            said = words % {"name": reading.path[0], "key": reading.within}
            yield Finding("E_VARIABLE_UNDECLARED", "error", name, said, place)


def _at_work(draft: _Draft, given: Mapping[str, Any]) -> Iterator[Finding]:
    """What only shows when the texts are made of these values."""
    for name in FIELDS:
        try:
            render_draft(draft.content[name], given, texts=texts_of(draft.prompts))
        except TemplateInvalid as exc:
            yield Finding("E_TEMPLATE", "error", name, exc.text(), _place_in(exc))
        except ApiError as exc:
            yield Finding(exc.reason, "error", name, exc.text())
