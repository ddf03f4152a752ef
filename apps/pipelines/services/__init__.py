"""Pipelines: draft them, look at what they were, keep pins and cases, say what is wrong with them."""

from apps.pipelines.services.cases import case_of, cases_of, create_case, delete_case, update_case
from apps.pipelines.services.comparing import compare
from apps.pipelines.services.drafts import (
    EDITABLE,
    claim_revision,
    create_pipeline,
    delete_pipeline,
    draft,
    place_boxes,
    renew,
    update_pipeline,
)
from apps.pipelines.services.history import entry_of, history_of
from apps.pipelines.services.judging import cost_of, feature_of, judge, parts_for, problems_of
from apps.pipelines.services.offering import offered_parts
from apps.pipelines.services.pins import create_pin, delete_pin, pin_of, pins_of

__all__ = [
    "EDITABLE",
    "case_of",
    "cases_of",
    "claim_revision",
    "compare",
    "cost_of",
    "create_case",
    "create_pin",
    "create_pipeline",
    "delete_case",
    "delete_pin",
    "delete_pipeline",
    "draft",
    "entry_of",
    "feature_of",
    "history_of",
    "judge",
    "offered_parts",
    "parts_for",
    "pin_of",
    "pins_of",
    "place_boxes",
    "problems_of",
    "renew",
    "update_case",
    "update_pipeline",
]
