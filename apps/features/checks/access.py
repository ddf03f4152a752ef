"""Roles of the feature and of its fields (`x-roles`)."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.auth.models import Group
from django.utils.translation import gettext as _

from apps.core.publishing.registry import Problem
from apps.features.checks.fields import escaped, fields_of, is_sound

RULE = "x-roles"
Placed = tuple[str, Any]


def roles_exist(payload: dict[str, Any]) -> Iterator[Problem]:
    """Every role that is named exists, and a field that some do not see can do without their answer."""
    named = [(f"/roles/{index}", name) for index, name in enumerate(payload["roles"])]
    for part in ("form", "output"):
        for path, rule in _rules(payload[part]["schema"], f"/{part}/schema"):
            if not _can_be_obeyed(rule):
                words = _("x-roles holds a list of the roles that see the field.")
                yield Problem("E_FIELD_ROLES", path, words)
                continue
            named += [(f"{path}/{index}", name) for index, name in enumerate(rule)]
    yield from _unknown(named)
    yield from _hidden_and_needed(payload["form"]["schema"])


def _rules(value: Any, path: str) -> Iterator[Placed]:
    """Every rule in a schema, however deep, with where it stands."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            here = f"{path}/{escaped(str(name))}"
            yield from [(here, inner)] if name == RULE else _rules(inner, here)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _rules(inner, f"{path}/{index}")


def _can_be_obeyed(rule: Any) -> bool:
    """Whether somebody could see the field: an empty list hides it from all."""
    return isinstance(rule, list) and bool(rule) and all(isinstance(name, str) for name in rule)


def _hidden_and_needed(schema: Any) -> Iterator[Problem]:
    for field in fields_of(schema) if is_sound(schema) else ():
        if field.required and RULE in field.schema and "default" not in field.schema:
            words = _("“%(name)s” is needed, but hidden from some: give it a default, or do not need it.")
            yield Problem("E_FIELD_HIDDEN_REQUIRED", f"/form/schema{field.pointer}", words % {"name": field.name})


def _unknown(named: list[tuple[str, str]]) -> Iterator[Problem]:
    wanted = {name for _path, name in named}
    known = set(Group.objects.filter(name__in=wanted).values_list("name", flat=True)) if wanted else set()
    for path, name in named:
        if name not in known:
            yield Problem("E_ROLE_UNKNOWN", path, _("There is no role “%(name)s”.") % {"name": name})
