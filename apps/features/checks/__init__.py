"""What has to hold before a feature is published: one file for each noun, all problems at once."""

from collections.abc import Callable, Iterator
from typing import Any

from apps.core.publishing.registry import Problem
from apps.features import schema
from apps.features.checks.access import roles_exist
from apps.features.checks.cases import cases_pass
from apps.features.checks.compatibility import breaks
from apps.features.checks.degrade import degrade_valid
from apps.features.checks.pipelines import graphs_valid, pipelines_end
from apps.features.checks.price import price_known
from apps.features.checks.prompts import prompts_valid
from apps.features.checks.routes import routes_usable
from apps.features.checks.schemas import schemas_valid
from apps.features.checks.size import small_enough
from apps.features.checks.table import columns_known
from apps.features.checks.tools import tools_usable

Payload = dict[str, Any]
Rule = Callable[[Payload], Iterator[Problem]]

RULES: tuple[Rule, ...] = (
    price_known,
    schemas_valid,
    columns_known,
    roles_exist,
    graphs_valid,
    pipelines_end,
    prompts_valid,
    tools_usable,
    routes_usable,
    degrade_valid,
    cases_pass,
)


def problems_of(payload: Payload, live: Payload | None) -> list[Problem]:
    """Every problem of releasing `payload` in place of `live`, as it is stored (None: nothing is live)."""
    if too_large := list(small_enough(payload)):
        return too_large  # nobody should wait for the rest
    found = [problem for rule in RULES for problem in rule(payload)]
    return found + list(breaks(payload, _readable(live)))


def _readable(live: Payload | None) -> Payload | None:
    """What is live as today's code reads it; nothing when it cannot: then nobody relies on it any more."""
    try:
        return schema.load(live) if live else None
    except ValueError:
        return None
