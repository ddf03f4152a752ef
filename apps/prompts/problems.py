"""What keeps a draft from being saved: texts that are no templates, and variables that mean nothing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from apps.prompts.declarations import mistakes_in
from apps.prompts.errors import TemplateInvalid
from apps.prompts.templates import parse
from apps.prompts.variables import FIELDS

MAX_MODEL: Final = 200  # characters of a model's name
MAX_TOKENS: Final = 1_000_000
MAX_TEMPERATURE: Final = 2.0


@dataclass(frozen=True)
class DraftProblem:
    """One thing to mend: a stable code, a JSON pointer into the draft, words, and the place in a text if it is one."""

    code: str
    pointer: str
    message: str
    place: Mapping[str, int] | None = None

    def as_dict(self) -> dict[str, Any]:
        return {"pointer": self.pointer, "code": self.code, "message": self.message, **(self.place or {})}


def draft_problems(content: Mapping[str, Any], model_defaults: Any) -> list[DraftProblem]:
    """Everything that forbids saving. What a prompt includes, and who gives it values, is judged at publishing."""
    found = [*_texts(content)]
    found += [DraftProblem(m.code, f"/variables{m.pointer}", m.message) for m in mistakes_in(content["variables"])]
    return found + list(_defaults(model_defaults))


def _texts(content: Mapping[str, Any]) -> Iterator[DraftProblem]:
    for field in FIELDS:
        try:
            parse(content[field])
        except TemplateInvalid as exc:
            yield DraftProblem("E_TEMPLATE", f"/{field}", exc.text(), exc.details or None)


def _defaults(defaults: Any) -> Iterator[DraftProblem]:
    if not isinstance(defaults, dict):
        yield DraftProblem("E_MODEL_DEFAULTS", "/model_defaults", _("An object with model, temperature, max_tokens."))
        return
    for name, value in defaults.items():
        if name not in _FITS:
            words = _("There is no default “%(name)s”; there are: %(names)s.")
            said = words % {"name": str(name)[:64], "names": ", ".join(sorted(_FITS))}
            yield DraftProblem("E_MODEL_DEFAULTS", f"/model_defaults/{name}", said)
        elif not _FITS[name](value):
            said = _("Out of range, or of another kind.")
            yield DraftProblem("E_MODEL_DEFAULTS", f"/model_defaults/{name}", said)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_FITS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "model": lambda value: isinstance(value, str) and len(value) <= MAX_MODEL,
    "temperature": lambda value: _is_number(value) and 0 <= value <= MAX_TEMPERATURE,
    "max_tokens": lambda value: _is_number(value) and isinstance(value, int) and 0 < value <= MAX_TOKENS,
}
