"""Whether prompts may include each other as they do: names that exist, no circles, not too deep, not too many."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.core.chains import Chain, is_circle, longest_chain
from apps.core.errors import ApiError
from apps.prompts.includes import MAX_DEPTH, MAX_INCLUDED, Include
from apps.prompts.templates import includes_of
from apps.prompts.variables import FIELDS, Prompts

Edges = dict[str, list[Include]]


@dataclass(frozen=True)
class InclusionProblem:
    """One thing to mend, in the prompt `key` and its field."""

    code: str
    key: str
    field: str
    message: str


def inclusion_problems(prompts: Prompts) -> list[InclusionProblem]:
    """Everything that forbids releasing `prompts` together. Texts that cannot be parsed are passed over."""
    edges = {key: _includes(prompt["body"]) for key, prompt in prompts.items()}
    found = [problem for key in prompts for problem in _of_one(key, prompts, edges)]
    return found + [problem for key in prompts for problem in _closed_to_include(key, prompts, edges)]


def _of_one(key: str, prompts: Prompts, edges: Edges) -> Iterator[InclusionProblem]:
    for field in FIELDS:
        includes = _includes(prompts[key][field])
        for include in includes:
            if include.key not in prompts:
                words = _("There is no prompt “%(key)s” to include.") % {"key": include.key}
                yield InclusionProblem("E_INCLUDE_UNKNOWN", key, field, words)
        # A prompt's system text can never be included, so a chain that begins there is told apart from the body's.
        start = key if field == "body" else f"{key} ({field})"
        chain = longest_chain(start, _following(start, includes, edges))
        if problem := _chain_problem(key, chain):
            yield InclusionProblem(problem[0], key, field, problem[1])
        elif not is_circle(chain) and _count(includes, edges, {}) > MAX_INCLUDED:
            words = _("The text brings in more than %(max)s other texts, one through the other.")
            yield InclusionProblem("E_INCLUDE_TOO_MANY", key, field, words % {"max": MAX_INCLUDED})


def _following(start: str, includes: list[Include], edges: Edges) -> Callable[[str], list[str]]:
    return lambda name: [i.key for i in (includes if name == start else edges.get(name, []))]


def _chain_problem(key: str, chain: Chain) -> tuple[str, str] | None:
    """A circle is told by the prompts on it, not by those that only lead there."""
    words = {"chain": " → ".join(chain), "max": MAX_DEPTH}
    if is_circle(chain):
        circle = _("These prompts include each other in a circle: %(chain)s.") % words
        return ("E_INCLUDE_CYCLE", circle) if key in chain else None
    if len(chain) - 1 > MAX_DEPTH:
        return "E_INCLUDE_DEPTH", _("Prompts include each other more than %(max)s deep: %(chain)s.") % words
    return None


def _count(includes: list[Include], edges: Edges, known: dict[str, int]) -> int:
    """How many texts come in, each counted as often as it is named. Only for texts without circles."""
    total = 0
    for include in includes:
        if include.key not in known:
            known[include.key] = 1 + _count(edges.get(include.key, []), edges, known)
        total += known[include.key]
    return total


def _closed_to_include(key: str, prompts: Prompts, edges: Edges) -> Iterator[InclusionProblem]:
    """Liquid forbids `include` below a `render`; said before the release rather than by every run."""
    if not any(i.tag == "include" for i in edges[key]):
        return
    starts = [i.key for prompt in prompts.values() for f in FIELDS for i in _includes(prompt[f]) if i.tag == "render"]
    if key in _reached(starts, edges):
        words = _("Another prompt brings this one in with “render”; it may itself use “render”, but not “include”.")
        yield InclusionProblem("E_INCLUDE_IN_RENDER", key, "body", words)


def _reached(starts: list[str], edges: Edges) -> set[str]:
    seen, waiting = set(starts), list(starts)
    while waiting:
        for include in edges.get(waiting.pop(), []):
            if include.key not in seen:
                seen.add(include.key)
                waiting.append(include.key)
    return seen


def _includes(source: str) -> list[Include]:
    try:
        return list(includes_of(source))
    except ApiError:
        return []
