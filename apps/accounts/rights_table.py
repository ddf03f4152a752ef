"""What a person may do, as the admin's page shows it: words, and the matrix with its columns."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.accounts.effective import Effective

COLUMNS = {
    "read": _("read"),
    "create": _("create"),
    "write": _("change"),
    "delete": _("delete"),
    "publish": _("publish"),
    "rollback": _("roll back"),
    "run": _("run"),
    "adjust": _("adjust"),
}
RESOURCES = {
    "features": _("Features"),
    "menus": _("Menu groups"),
    "pipelines": _("Pipelines"),
    "prompts": _("Prompts"),
    "providers": _("Models"),
    "secrets": _("Keys of models"),
    "mcp": _("Tools"),
    "releases": _("Releases"),
    "tasks": _("Tasks"),
    "quotas": _("Credits"),
    "budgets": _("Budgets for models"),
    "usage": _("Use of models"),
    "people": _("Users"),
    "keys": _("API keys of others"),
    "roles": _("Roles"),
    "grants": _("Access to single features"),
}
REASONS = {
    "everybody": _("for everybody who signs in"),
    "role": _("by role"),
    "granted": _("given by name"),
    "off": _("switched off"),
    "no-role": _("for other roles"),
}


def rights_table(told: Effective) -> dict[str, Any]:
    """The matrix as a table with one column for each action that is offered anywhere."""
    offered = {held.action for line in told.matrix for held in line.rights}
    columns = [action for action in COLUMNS if action in offered]
    lines = []
    for line in told.matrix:
        by_action = {held.action: held for held in line.rights}
        name = RESOURCES.get(line.resource, line.resource)
        lines.append({"name": name, "resource": line.resource, "cells": [by_action.get(c) for c in columns]})
    features = [(usable, REASONS.get(usable.because, usable.because)) for usable in told.features]
    return {"told": told, "columns": [COLUMNS[c] for c in columns], "lines": lines, "features": features}
