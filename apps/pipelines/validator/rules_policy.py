"""How a step's failures are dealt with."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.form_input import field_errors
from apps.pipelines.graph import Node
from apps.pipelines.nodes.base import known_names
from apps.pipelines.validator.problems import GraphProblem, rule
from apps.pipelines.validator.subject import Subject

PLACE = rule("E_POLICY_PLACE", _("This step cannot go on after a failure: it is where a pipeline starts or ends."))
TIMEOUT = rule("E_POLICY_TIMEOUT", _("A step of this type takes at most %(max)s seconds."))
FALLBACK = rule("E_FALLBACK", _("Say which output stands in for this step when it fails."))
FALLBACK_LACKS = _("“%(name)s” of this step is used; the output that stands in for it has none.")
FALLBACK_UNFIT = _("The output that stands in does not look like what this step gives: %(why)s")
UNKNOWN_RULE = rule(
    "E_UNKNOWN_RULE", _("This step asks nobody outside, so the outcome of what it does is always known.")
)
RETRY_EFFECT = rule(
    "E_RETRY_EFFECT",
    _("This step changes something outside, and would do it again with every further try."),
    "warning",
)


def _places(subject: Subject) -> Iterator[GraphProblem]:
    for node in subject.graph.nodes:
        if node.policy.on_error != "fail" and (subject.kind(node).single or not subject.kind(node).ways(node.config)):
            yield PLACE.at(node.id, "policy.on_error")


def _timeouts(subject: Subject) -> Iterator[GraphProblem]:
    for node in subject.graph.nodes:
        most = subject.kind(node).max_timeout
        if node.policy.timeout is not None and node.policy.timeout > most:
            yield TIMEOUT.at(node.id, "policy.timeout", max=f"{most:g}")


def _fallbacks(subject: Subject) -> Iterator[GraphProblem]:
    for node in subject.graph.nodes:
        if node.policy.on_error != "fallback":
            continue
        if node.policy.fallback is None:
            yield FALLBACK.at(node.id, "policy.fallback")
        else:
            yield from _unfit(subject, node, dict(node.policy.fallback))


def _unfit(subject: Subject, node: Node, fallback: dict[str, Any]) -> Iterator[GraphProblem]:
    schema = subject.produces(node)
    for name in sorted(subject.read.get(node.id, set()) - {""} - fallback.keys()):
        if (known_names(schema) or {name}) >= {name}:
            yield FALLBACK.at(node.id, "policy.fallback", words=FALLBACK_LACKS, name=name)
    try:
        wrong = field_errors({**schema, "required": []}, fallback) if schema else []
    except (ValueError, TypeError):
        return  # the schema is somebody else's mistake
    for error in wrong:
        place = error["pointer"].replace("/", ".")
        yield FALLBACK.at(node.id, f"policy.fallback{place}", words=FALLBACK_UNFIT, why=error["message"])


def _unknown(subject: Subject) -> Iterator[GraphProblem]:
    for node in subject.graph.nodes:
        if node.policy.unknown is not None and subject.kind(node).effect == "pure":
            yield UNKNOWN_RULE.at(node.id, "policy.unknown")


def _repeated(subject: Subject) -> Iterator[GraphProblem]:
    repeatable = set(subject.parts.get("repeatable_tools", ()))
    for node in subject.graph.nodes:
        if subject.kind(node).effect != "effect":
            continue
        named = subject.needs(node).tools
        harmless = bool(named) and named <= repeatable
        if (node.policy.retries or 0) > 0 and not harmless:
            yield RETRY_EFFECT.at(node.id, "policy.retries")
        elif node.policy.unknown == "retry" and not harmless:
            yield RETRY_EFFECT.at(node.id, "policy.unknown")


CHECKS = (_places, _timeouts, _fallbacks, _unknown, _repeated)
