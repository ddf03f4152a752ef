"""Rules: each has a code, words and a weight, and stands in one registry."""

from dataclasses import asdict, dataclass
from typing import Final, Literal

from django.utils.functional import Promise

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class GraphProblem:
    """One thing to mend: a stable code, words, and where.

    `field` is a path below the node (`config.model`, `inputs.text`). Of a graph that cannot be read it is a JSON
    pointer into the graph, and `node` is told where the node has an id. Only an error stands in the way of a release.
    """

    code: str
    message: str
    node: str = ""
    field: str = ""
    severity: Severity = "error"

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Rule:
    """One rule: what is said when a graph breaks it, with named placeholders."""

    code: str
    says: str | Promise
    severity: Severity = "error"

    def at(
        self, node: str = "", field: str = "", *, words: str | Promise | None = None, **params: object
    ) -> GraphProblem:
        """The problem at this place, in the active language. `words` say it in another way."""
        text = str(self.says if words is None else words)
        return GraphProblem(self.code, text % params if params else text, node, field, self.severity)


RULES: Final[dict[str, Rule]] = {}


def rule(code: str, says: str | Promise, severity: Severity = "error") -> Rule:
    """A rule of the registry."""
    if code in RULES:
        raise ValueError(f"there is a rule {code} already")
    RULES[code] = Rule(code, says, severity)
    return RULES[code]
