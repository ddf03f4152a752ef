"""Keep what a prompt was: save, look up, restore, delete."""

from collections.abc import Mapping
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from apps.core.errors import StaleRevision
from apps.core.publishing.canonical import sha256_of
from apps.core.publishing.usage import hold_releases
from apps.core.transactions import retry_on_conflict
from apps.prompts.errors import NothingToSave, PromptVersionUnknown
from apps.prompts.models import Prompt, PromptVersion
from apps.prompts.reference import reference_of
from apps.prompts.services.drafts import draft, update_prompt
from apps.prompts.services.using import refuse_named

log = structlog.get_logger("prompts")

DRAFT = "draft"
MAX_NOTE = 500


@retry_on_conflict
def save_version(key: str, *, note: str = "", by: Any, expected_revision: int | None = None) -> PromptVersion:
    """The draft as it is, as the next version.

    Raises `NothingToSave` when the newest version holds the same, `NotFound`, `StaleRevision` when the draft is no
    longer the revision the caller saw. Concurrency: numbers are given one after the other, and none twice.
    """
    with transaction.atomic():
        number = _next_number(key)
        prompt = draft(key)
        if expected_revision is not None and prompt.revision != expected_revision:
            raise StaleRevision(details={"revision": prompt.revision})
        newest = prompt.versions.order_by("-number").first()
        if newest is not None and newest.sha256 == sha256_of(prompt.as_released()):
            raise NothingToSave(number=newest.number)
        return append_version(prompt, prompt.as_released(), number=number, note=note, by=by)


def append_version(
    prompt: Prompt, content: Mapping[str, Any], *, number: int, note: str, by: Any, restored_from: int | None = None
) -> PromptVersion:
    """`content` as version `number`, which `next_number` gave in this transaction."""
    version = PromptVersion.objects.create(
        prompt=prompt,
        number=number,
        sha256=sha256_of(dict(content)),
        note=note[:MAX_NOTE],
        author=by,
        restored_from=restored_from,
        **content,
    )
    log.info("prompt.version_saved", prompt=prompt.key, version=number, by=by.pk if by else None)
    return version


def _next_number(key: str) -> int:
    """The next free number, with everybody else who wants one waiting until this transaction ends."""
    Prompt.objects.filter(key=key).update(last_version=F("last_version") + 1)
    return draft(key).last_version


def versions_of(key: str) -> QuerySet[PromptVersion]:
    """Every version with its author and labels, newest first. Raises `NotFound`."""
    rows = PromptVersion.objects.filter(prompt=draft(key)).select_related("author", "prompt")
    return rows.prefetch_related("labels").order_by("-number")


def version_at(key: str, at: str | int) -> PromptVersion:
    """The version with this number or label. Raises `PromptVersionUnknown`, `NotFound`."""
    rows = versions_of(key)
    wanted = reference_of(f"{key}@{at}")
    found = None
    if wanted.number is not None:
        found = rows.filter(number=wanted.number).first()
    elif wanted.label:
        found = rows.filter(labels__name=wanted.label).first()
    if found is None:
        raise PromptVersionUnknown(key=key, at=str(at)[:64])
    return found


def content_at(key: str, at: str | int) -> dict[str, Any]:
    """The texts and variables of the draft, of a version or of what a label stands for. Raises as `version_at`."""
    return draft(key).as_released() if at == DRAFT else version_at(key, at).content


@retry_on_conflict
def restore_version(
    key: str, *, to: str | int, by: Any, note: str = "", expected_revision: int | None = None
) -> PromptVersion:
    """Bring an older version back into the draft, as a new version.

    What the draft held is kept as a version before, unless one holds it already. Raises `PromptVersionUnknown`,
    `StaleRevision`, `NotFound`, and `PromptInvalid` when the old text is no template by today's rules.
    """
    with transaction.atomic():
        old = version_at(key, to)
        version_released({key: draft(key).as_released()}, by=by, note=_("Kept before a return"))
        revision = draft(key).revision if expected_revision is None else expected_revision
        said = note or _("Back to version %(number)s") % {"number": old.number}
        prompt = update_prompt(key, old.content, expected_revision=revision, by=by, reason=said)
        number = _next_number(key)
        return append_version(prompt, old.content, number=number, note=said, by=by, restored_from=old.number)


def version_released(prompts: Mapping[str, Mapping[str, Any]], *, by: Any, note: str = "") -> list[PromptVersion]:
    """Give every text of `prompts` (by reference) that has no version yet its number; returns the new versions.

    Concurrency: called in the transaction that releases them, so that a release and its versions are both there, or
    neither. A prompt that is gone meanwhile has no versions.
    """
    texts = {name: dict(found) for name, found in prompts.items() if not reference_of(name).is_pinned}
    rows = {prompt.key: prompt for prompt in Prompt.objects.filter(key__in=texts)}
    wanted = {key: sha256_of(_plain(content)) for key, content in texts.items() if key in rows}
    kept = set(
        PromptVersion.objects.filter(prompt__key__in=wanted, sha256__in=wanted.values()).values_list(
            "prompt__key", "sha256"
        )
    )
    fresh = [key for key in sorted(wanted) if (key, wanted[key]) not in kept]
    return [append_version(rows[k], _plain(texts[k]), number=_next_number(k), note=note, by=by) for k in fresh]


def _plain(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: content[name] for name in ("system", "body", "variables")}


def keep_version(key: str, content: Mapping[str, Any], *, note: str, by: Any) -> PromptVersion:
    """The newest version that holds `content`, or a new one that does. Called in a transaction. Raises `NotFound`."""
    prompt, plain = draft(key), _plain(content)
    found = prompt.versions.filter(sha256=sha256_of(plain)).order_by("-number").first()
    return found or append_version(prompt, plain, number=_next_number(key), note=note, by=by)


def delete_version(key: str, number: int, *, by: Any) -> None:
    """Delete a version and the labels that stand for it. Its number is not given again.

    Raises `VersionInUse` with everything that names it by its number or by one of its labels, `PromptVersionUnknown`.
    Concurrency: nobody publishes meanwhile.
    """
    with transaction.atomic():
        hold_releases()
        version = version_at(key, number)
        labels = list(version.labels.all())
        refuse_named([str(version), *(f"{key}@{label.name}" for label in labels)])
        for label in labels:
            label._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
            label.delete()
        version.delete()
    log.info("prompt.version_deleted", prompt=key, version=number, by=by.pk if by else None)
