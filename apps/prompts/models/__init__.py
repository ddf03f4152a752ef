"""Drafts of prompts, their versions with labels, and saved cases with their runs."""

from apps.prompts.models.case import PromptCase
from apps.prompts.models.prompt import Prompt
from apps.prompts.models.run import OPEN, RUN_TRANSITIONS, CaseAnswer, CaseRun, RunStatus
from apps.prompts.models.version import PromptLabel, PromptVersion, label_validator

__all__ = [
    "OPEN",
    "RUN_TRANSITIONS",
    "CaseAnswer",
    "CaseRun",
    "Prompt",
    "PromptCase",
    "PromptLabel",
    "PromptVersion",
    "RunStatus",
    "label_validator",
]
