"""Settings: of the right types, and able to work."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import cel
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _

from apps.core.json_schema import fault_of
from apps.pipelines.graph import Node
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import NodeType
from apps.pipelines.validator.problems import RULES, GraphProblem, Rule, rule
from apps.pipelines.validator.settings import Setting, settings_of, x_of
from apps.pipelines.validator.subject import Subject

CONFIG = rule("E_CONFIG", _("%(setting)s: %(what)s"))
CONDITION = rule("E_CONDITION", _("The condition cannot be decided."))
CONDITION_NAME = rule(
    "E_CONDITION_NAME", _("The expression reads “%(name)s”, and this step has no input of that name.")
)
CONFIG_SCHEMA = rule("E_CONFIG_SCHEMA", _("This is no valid JSON Schema: %(why)s"))
SWITCH_CASE = rule("E_SWITCH_CASE", _("The ways out of this step have names that cannot be told apart."))
HUMAN_DEADLINE = rule("E_HUMAN_DEADLINE", _("Say how long the run waits for an answer, at most 30 days."))
HUMAN_DEFAULT = rule("E_HUMAN_DEFAULT", _("What stands when nobody answers has to be one of the options."))
for _kind in node_types().values():
    for _mistake in _kind.says:
        if _mistake.reason not in RULES:
            rule(_mistake.reason, _mistake.message)

# pydantic's words are English; these are the mistakes that people make.
_WORDS = {
    "missing": _("This setting is needed."),
    "extra_forbidden": _("There is no such setting."),
    "string_type": _("A text is needed."),
    "int_type": _("A whole number is needed."),
    "int_parsing": _("A whole number is needed."),
    "int_from_float": _("A whole number is needed."),
    "float_type": _("A number is needed."),
    "float_parsing": _("A number is needed."),
    "bool_type": _("True or false is needed."),
    "bool_parsing": _("True or false is needed."),
    "dict_type": _("A JSON object is needed."),
    "list_type": _("A list is needed."),
    "literal_error": _("One of %(expected)s is needed."),
    "greater_than": _("More than %(gt)s is needed."),
    "greater_than_equal": _("At least %(ge)s is needed."),
    "less_than": _("Less than %(lt)s is needed."),
    "less_than_equal": _("At most %(le)s is possible."),
    "string_too_short": _("At least %(min_length)s characters are needed."),
    "string_too_long": _("At most %(max_length)s characters are possible."),
    "too_short": _("At least %(min_length)s are needed."),
    "too_long": _("At most %(max_length)s are possible."),
    "string_pattern_mismatch": _("This does not have the expected form."),
}


def _configs(subject: Subject) -> Iterator[GraphProblem]:
    for node in subject.graph.nodes:
        if (unfit := subject.unfit.get(node.id)) is not None:
            for error in unfit.errors(include_url=False, include_input=False):
                yield _unfit(node, subject.kind(node), error)
    for node, kind, config in subject.sound():
        for field, mistake in kind.mistakes(config):
            known = RULES.get(mistake.reason) or Rule(mistake.reason, "")
            yield known.at(node.id, f"config.{field}", words=mistake.text())


def _unfit(node: Node, kind: NodeType, error: Any) -> GraphProblem:
    place = tuple(error["loc"])
    field = ".".join(map(str, place))
    if code := x_of(kind, place, "x-problem"):
        own = RULES.get(code) or Rule(code, CONFIG.says)
        return own.at(node.id, f"config.{field}", words=None if code in RULES else _said(error))
    return CONFIG.at(node.id, f"config.{field}", setting=field, what=_said(error))


def _said(error: Any) -> str:
    if (template := _WORDS.get(error["type"])) is None:
        return translated("This does not fit: %(why)s") % {"why": error["msg"]}
    words = str(template)
    return words % error.get("ctx", {}) if "%(" in words else words


def _expressions(subject: Subject) -> Iterator[GraphProblem]:
    for node, setting in _settings(subject, "cel"):
        for name in sorted(names_in(setting.value) - set(node.inputs)) if isinstance(setting.value, str) else ():
            yield CONDITION_NAME.at(node.id, f"config.{setting.path}", name=name)


def _schemas(subject: Subject) -> Iterator[GraphProblem]:
    for node, setting in _settings(subject, "schema"):
        if isinstance(setting.value, Mapping) and (fault := fault_of(setting.value)):
            yield CONFIG_SCHEMA.at(node.id, f"config.{setting.path}", why=fault[1])


def _settings(subject: Subject, widget: str) -> Iterator[tuple[Node, Setting]]:
    for node, kind, _config in subject.sound():
        for setting in settings_of(kind, node.config, widget):
            yield node, setting


@lru_cache(maxsize=512)
def names_in(expression: str) -> frozenset[str]:
    """The names that an expression reads; nothing of one that cannot be read, which is told elsewhere.

    The compiler lists the names that macros bind, too (`i` in `items.all(i, i > 0)`): what an expression reads is
    missing without any value for it, and those are not.
    """
    try:
        found = frozenset(cel.compile(expression).variables())
    except ValueError:
        return frozenset()
    return frozenset(name for name in found if not _is_bound(expression, name))


_MACROS = ("all", "exists", "exists_one", "map", "filter")


def _is_bound(expression: str, name: str) -> bool:
    """Whether a macro binds this name: `.all(name,`."""
    dense = "".join(expression.split())
    return any(f".{macro}({name}," in dense for macro in _MACROS)


CHECKS = (_configs, _expressions, _schemas)
