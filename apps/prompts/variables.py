"""What a prompt has to be given: its own variables, and those of the prompts it includes."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypedDict, cast

from apps.prompts.templates import Texts, includes_of, variables_of

FIELDS = ("system", "body")  # what is filled of a prompt; what another includes of it is its body alone
Prompts = Mapping[str, Mapping[str, Any]]


class Variable(TypedDict, total=False):
    """One declared variable. Without a `type` it may be anything; without `required` it is.

    `choices` makes a text or a number one of a few; `max_length` is of a text, in characters.
    """

    name: str
    type: str
    required: bool
    default: Any
    description: str
    choices: list[Any]
    max_length: int


_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
}
TYPES = frozenset(_KINDS)
_NUMERIC = {
    "integer": re.compile(r"[-+]?[0-9]{1,4000}\Z"),
    "number": re.compile(r"[-+]?[0-9]{1,4000}(\.[0-9]{1,400})?\Z"),
}


def fits(value: Any, kind: str) -> bool:
    """Whether `value` is of the type that a variable may declare; `true` is no number."""
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _KINDS[kind])


def passes(value: Any, kind: Any) -> bool:
    """Whether a run takes `value` for a variable of type `kind`, or of none that exists.

    More than `fits`: wiring turns values into text, so a number may come as one, and any scalar is a text. A list, an
    object and a truth have to be what they are: as text they would mean something else.
    """
    if not isinstance(kind, str) or kind not in TYPES:
        return True
    if kind == "string":
        return isinstance(value, str | int | float)
    if kind in ("number", "integer") and isinstance(value, str):
        return _NUMERIC[kind].match(value.strip()) is not None
    return fits(value, kind)


def expected(variable: Variable) -> str:
    """What a variable takes, in few words."""
    parts = [str(variable.get("type") or "any")]
    if isinstance(choices := variable.get("choices"), list):
        parts.append(
            "[" + ", ".join(str(choice) for choice in choices[:10]) + (", …" if len(choices) > 10 else "") + "]"
        )
    if isinstance(limit := variable.get("max_length"), int):
        parts.append(f"≤ {limit}")
    return " ".join(parts)


def texts_of(prompts: Prompts) -> Texts:
    """What the names of `prompts` stand for when one includes another."""
    return {key: str(prompt["body"]) for key, prompt in prompts.items()}


def declared_by(prompt: Mapping[str, Any]) -> list[Variable]:
    """The prompt's own variables, as far as they have the right shape."""
    variables = prompt["variables"] if isinstance(prompt["variables"], list) else []
    return [cast("Variable", v) for v in variables if isinstance(v, dict) and isinstance(v.get("name"), str)]


def used_by(source: str, prompts: Prompts) -> set[str]:
    """The variables that `source` reads, through what it includes too. Raises `TemplateInvalid`."""
    return {path[0] for path in variables_of(source, texts=texts_of(prompts))}


def needed_by(prompt: Mapping[str, Any], prompts: Prompts) -> list[Variable]:
    """Every variable of the prompt and of what it includes; where both declare one, the including prompt's word counts.

    A variable of an included prompt counts only when it is not passed along with the include. Raises `TemplateInvalid`.
    """
    own = declared_by(prompt)
    if not any(includes_of(prompt[field]) for field in FIELDS):
        return own
    known = {variable["name"] for variable in own}
    used = {name for field in FIELDS for name in used_by(prompt[field], prompts)}
    for key in included_by(prompt, prompts):
        for variable in declared_by(prompts[key]):
            if variable["name"] in used - known:
                own.append(variable)
                known.add(variable["name"])
    return own


def included_by(prompt: Mapping[str, Any], prompts: Prompts) -> Iterator[str]:
    """The keys of everything the prompt includes, directly or not, nearest first. Raises `TemplateInvalid`."""
    seen: set[str] = set()
    waiting = [prompt[field] for field in FIELDS]
    while waiting:
        for include in includes_of(waiting.pop(0)):
            if include.key not in seen and include.key in prompts:
                seen.add(include.key)
                waiting.append(prompts[include.key]["body"])
                yield include.key
