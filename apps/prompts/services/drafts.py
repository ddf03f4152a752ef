"""Write drafts: nothing here changes what is live."""

from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F

from apps.core.errors import InvalidRequest, NotFound, StaleRevision
from apps.core.publishing.usage import refuse_used
from apps.prompts.errors import PromptInvalid, PromptKeyTaken
from apps.prompts.models import Prompt
from apps.prompts.problems import draft_problems

EDITABLE: Final = frozenset(
    {"name", "system", "body", "variables", "model_defaults", "gate_share", "gate_p95_ms", "gate_cost_micro"}
)


def draft(key: str) -> Prompt:
    """The draft. Raises `NotFound`."""
    found = Prompt.objects.filter(key=key).first()
    if found is None:
        raise NotFound()
    return found


def create_prompt(key: str, fields: Mapping[str, Any], *, by: Any) -> Prompt:
    """A new draft at revision 1.

    Raises `PromptKeyTaken`, `PromptInvalid` with every mistake, `InvalidRequest` for unknown fields.
    """
    prompt = Prompt(key=key)
    try:
        with transaction.atomic():
            _write(prompt, fields, by=by)
    except IntegrityError as exc:
        raise PromptKeyTaken(key=key) from exc
    return prompt


def update_prompt(key: str, changes: Mapping[str, Any], *, expected_revision: int, by: Any, reason: str = "") -> Prompt:
    """Change fields of the draft.

    Raises `StaleRevision` when it is no longer the revision the caller saw, `PromptInvalid`, `InvalidRequest` for
    unknown fields. Concurrency: the revision is claimed by a conditional update before anything is written.
    """
    with transaction.atomic():
        prompt = claim_revision(key, expected_revision)
        _write(prompt, changes, by=by, reason=reason)
    return prompt


def delete_prompt(key: str, *, expected_revision: int, by: Any) -> None:
    """Delete the draft with its versions, labels and cases; its history stays.

    Raises `PartInUse` with what uses it, `StaleRevision`. Concurrency: nobody publishes meanwhile.
    """
    with transaction.atomic():
        refuse_used("prompt", [key])
        prompt = claim_revision(key, expected_revision)
        prompt._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
        prompt.delete()


def claim_revision(key: str, expected: int) -> Prompt:
    """The draft at its next revision, for the caller to change in this transaction.

    Raises `StaleRevision` unless it is at `expected`, `NotFound`. Concurrency: of two callers one wins.
    """
    if not Prompt.objects.filter(key=key, revision=expected).update(revision=F("revision") + 1):
        raise StaleRevision(details={"revision": draft(key).revision})
    return draft(key)


def ensure_sound(prompt: Prompt) -> None:
    """Raises `PromptInvalid` with every mistake, each with its pointer."""
    errors = [problem.as_dict() for problem in draft_problems(prompt.as_released(), prompt.model_defaults)]
    pointed = {str(error["pointer"]).split("/")[1] for error in errors}
    try:
        prompt.full_clean()
    except ValidationError as exc:
        if any(error.code == "unique" for error in exc.error_dict.get("key", [])):
            raise PromptKeyTaken(key=prompt.key) from exc
        errors += [
            {"pointer": f"/{field}", "code": str(error.code), "message": words}
            for field, found in exc.error_dict.items()
            if field not in pointed
            for error in found
            for words in error.messages
        ]
    if errors:
        raise PromptInvalid(errors)


def _write(prompt: Prompt, fields: Mapping[str, Any], *, by: Any, reason: str = "") -> None:
    if unknown := sorted(set(fields) - EDITABLE):
        raise InvalidRequest(
            details={"errors": [{"pointer": f"/{n}", "code": "unknown", "message": n} for n in unknown]}
        )
    for field, value in fields.items():
        setattr(prompt, field, value)
    ensure_sound(prompt)
    row: Any = prompt  # simple-history's documented attributes
    row._history_user, row._change_reason = by, reason[:100] or None
    prompt.save()
