"""Drafts of prompts, their versions with labels, and saved cases with their runs."""

from apps.prompts.models.case import CaseRun, PromptCase
from apps.prompts.models.prompt import Prompt
from apps.prompts.models.version import PromptLabel, PromptVersion, label_validator

__all__ = ["CaseRun", "Prompt", "PromptCase", "PromptLabel", "PromptVersion", "label_validator"]
