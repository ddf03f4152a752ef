"""A first look at a template's source, in time proportional to it: what the parser would take too long over.

The parser's expressions look for an end from every `{{` again, and try every split of a run of spaces: without this,
100 kB of braces keep it busy for five minutes.
"""

import re
from typing import Final

from django.utils.translation import gettext as _

from apps.prompts.errors import TemplateInvalid
from apps.prompts.places import Place, place_of

MAX_SOURCE: Final = 100_000
MAX_MARKUP: Final = 5_000  # characters of one tag or output; nobody reads a longer one
MAX_SPACE: Final = 100  # characters of space in a row, inside markup
MAX_NESTING: Final = 10  # brackets within brackets

_OPEN = re.compile(r"\{\{|\{%")
_SPACE = re.compile(rf"\s{{{MAX_SPACE + 1}}}")
_VERBATIM = re.compile(r"-?\s*(raw|doc)\s*-?\Z")
_END_OF = {name: re.compile(rf"\{{%-?\s*end{name}\s*-?%\}}") for name in ("raw", "doc")}
_CLOSING = {"{{": "}}", "{%": "%}"}


def check_source(source: str) -> None:
    """Raises `TemplateInvalid` with the place for what is too long, or opened and never closed."""
    if len(source) > MAX_SOURCE:
        raise TemplateInvalid(what=_("longer than %(max)s characters") % {"max": MAX_SOURCE})
    at = 0
    while found := _OPEN.search(source, at):
        closing = _CLOSING[found[0]]
        end = source.find(closing, found.end())
        if end < 0:
            words = _("“%(open)s” is never closed with “%(close)s”") % {"open": found[0], "close": closing}
            raise refused(words, place_of(source, found.start()))
        inner = source[found.end() : end]
        _check_markup(source, inner, found.start())
        at = _past_verbatim(source, inner, end + len(closing)) if closing == "%}" else end + len(closing)


def refused(words: str, place: Place | None) -> TemplateInvalid:
    """The refusal of a template with its place, in words and as figures."""
    if place is None:
        return TemplateInvalid(what=words)
    where = _("%(what)s (line %(line)s, column %(column)s)")
    told = where % {"what": words, "line": place.line, "column": place.column}
    return TemplateInvalid(what=told, details=place.as_dict())


def _check_markup(source: str, inner: str, start: int) -> None:
    if len(inner) > MAX_MARKUP:
        words = _("more than %(max)s characters between the braces") % {"max": MAX_MARKUP}
        raise refused(words, place_of(source, start))
    if _nesting(inner) > MAX_NESTING:
        words = _("more than %(max)s brackets within each other") % {"max": MAX_NESTING}
        raise refused(words, place_of(source, start))
    if _SPACE.search(inner):
        words = _("more than %(max)s spaces in a row between the braces") % {"max": MAX_SPACE}
        raise refused(words, place_of(source, start))


def _nesting(inner: str) -> int:
    """How deep brackets stand within each other, wherever they are written."""
    if inner.count("[") + inner.count("(") <= MAX_NESTING:
        return 0
    depth = deepest = 0
    for character in inner:
        if character in "[(":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "])":
            depth = max(0, depth - 1)
    return deepest


def _past_verbatim(source: str, inner: str, at: int) -> int:
    """Where markup counts again: behind the end of a `raw` or `doc` block, if one begins here."""
    name = _VERBATIM.match(inner)
    if name is None:
        return at
    end = _END_OF[name[1]].search(source, at)
    if end is None:
        words = _("“%(name)s” is never closed with “%(end)s”") % {"name": name[1], "end": f"end{name[1]}"}
        raise refused(words, place_of(source, at))
    return end.end()
