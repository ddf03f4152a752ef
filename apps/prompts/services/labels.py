"""Names for versions: moved deliberately, and never without a trace."""

from typing import Any

import structlog
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from apps.core.publishing.usage import hold_releases
from apps.core.transactions import retry_on_conflict
from apps.prompts.errors import LabelInvalid, PromptVersionUnknown
from apps.prompts.models import PromptLabel, label_validator
from apps.prompts.services.drafts import draft
from apps.prompts.services.using import refuse_named
from apps.prompts.services.versions import DRAFT, version_at

log = structlog.get_logger("prompts")


@retry_on_conflict
def move_label(key: str, name: str, *, to: int, by: Any) -> PromptLabel:
    """Let the label stand for version `to`, whether or not it stood for another. What is live stays as it is.

    Raises `LabelInvalid`, `PromptVersionUnknown`, `NotFound`. The label's history says who moved it when.
    """
    _check_name(name)
    version = version_at(key, to)
    try:
        with transaction.atomic():
            label = PromptLabel.objects.filter(prompt=version.prompt, name=name).select_related("version").first()
            if label is not None and label.version_id == version.pk:
                return label
            before = label.version.number if label else None
            label = label or PromptLabel(prompt=version.prompt, name=name)
            label.version = version
            row: Any = label  # simple-history's documented attributes
            row._history_user, row._change_reason = by, f"{before or '-'} -> {version.number}"
            label.save()
    except IntegrityError as exc:
        raise PromptVersionUnknown(key=key, at=str(to)) from exc  # it was deleted at the same moment
    log.info("prompt.label_moved", prompt=key, label=name, version=version.number, was=before)
    return label


def delete_label(key: str, name: str, *, by: Any) -> None:
    """Take the label off. Raises `VersionInUse` with everything that names it, `PromptVersionUnknown`, `NotFound`."""
    with transaction.atomic():
        hold_releases()
        label = PromptLabel.objects.filter(prompt=draft(key), name=name).first()
        if label is None:
            raise PromptVersionUnknown(key=key, at=name[:64])
        refuse_named([f"{key}@{name}"])
        label._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
        label.delete()
    log.info("prompt.label_deleted", prompt=key, label=name)


def _check_name(name: str) -> None:
    try:
        label_validator(name)
    except ValidationError as exc:
        raise LabelInvalid() from exc
    if name == DRAFT:
        raise LabelInvalid()
