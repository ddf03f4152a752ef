"""Prompts: draft them, keep their versions, collect them for a release, fill released ones, try saved cases."""

from apps.prompts.services.cases import cases_of, create_case, delete_case, update_case
from apps.prompts.services.drafts import (
    EDITABLE,
    claim_revision,
    create_prompt,
    delete_prompt,
    draft,
    ensure_sound,
    update_prompt,
)
from apps.prompts.services.filling import FilledPrompt, collect_prompts, fill_prompt
from apps.prompts.services.labels import delete_label, move_label
from apps.prompts.services.runs import cancel_run, latest_run, run_of, runs_of, start_run, sweep_runs
from apps.prompts.services.versions import (
    content_at,
    delete_version,
    restore_version,
    save_version,
    version_at,
    version_released,
    versions_of,
)

__all__ = [
    "EDITABLE",
    "FilledPrompt",
    "cancel_run",
    "cases_of",
    "claim_revision",
    "collect_prompts",
    "content_at",
    "create_case",
    "create_prompt",
    "delete_case",
    "delete_label",
    "delete_prompt",
    "delete_version",
    "draft",
    "ensure_sound",
    "fill_prompt",
    "latest_run",
    "move_label",
    "restore_version",
    "run_of",
    "runs_of",
    "save_version",
    "start_run",
    "sweep_runs",
    "update_case",
    "update_prompt",
    "version_at",
    "version_released",
    "versions_of",
]
