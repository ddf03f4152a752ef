"""The pipeline's own variables, which every node may read as `vars.name`."""

import re
from collections import Counter
from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from apps.core.form_input import field_errors
from apps.core.json_schema import fault_of
from apps.pipelines.graph import Variable
from apps.pipelines.validator.problems import GraphProblem, rule
from apps.pipelines.validator.subject import Subject

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

NAME = rule(
    "E_VARIABLE_NAME", _("A variable's name starts with a letter and holds lower-case letters, digits and underscores.")
)
TWICE = _("Two variables are called “%(name)s”.")
SCHEMA = rule("E_VARIABLE_SCHEMA", _("The type of “%(name)s” is no valid JSON Schema: %(why)s"))
VALUE = rule("E_VARIABLE_VALUE", _("The value of “%(name)s” does not fit its type: %(why)s"))
UNUSED = rule("E_VARIABLE_UNUSED", _("Nobody reads the variable “%(name)s”."), "warning")


def _variables(subject: Subject) -> Iterator[GraphProblem]:
    counts = Counter(variable.name for variable in subject.graph.variables)
    read = subject.read.get("vars", set())
    for number, variable in enumerate(subject.graph.variables):
        place = f"variables.{number}"
        if not _NAME.fullmatch(variable.name):
            yield NAME.at(field=f"{place}.name")
        elif counts[variable.name] > 1:
            yield NAME.at(field=f"{place}.name", words=TWICE, name=variable.name)
        elif variable.name not in read and "" not in read:
            yield UNUSED.at(field=place, name=variable.name)
        yield from _typed(variable, place)


def _typed(variable: Variable, place: str) -> Iterator[GraphProblem]:
    if fault := fault_of(variable.schema):
        yield SCHEMA.at(field=f"{place}.schema", name=variable.name, why=fault[1])
        return
    for error in field_errors(variable.schema, variable.value)[:1]:
        yield VALUE.at(field=f"{place}.value", name=variable.name, why=error["message"])


CHECKS = (_variables,)
