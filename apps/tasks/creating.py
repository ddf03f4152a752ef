"""Queue a run of a released feature: which version, on what input, held against the credits."""

import uuid
from collections.abc import Mapping
from typing import Any

import structlog
from django.db import transaction
from django.utils import translation

from apps.accounts.errors import KeyScopeExceeded
from apps.core import failpoints
from apps.core.config import NotReleased, Person, reader
from apps.core.errors import NotFound
from apps.core.form_input import field_errors, file_fields, with_defaults
from apps.core.outbox.services import enqueue
from apps.core.publishing.models import Release
from apps.core.request_id import get_request_id
from apps.core.storage import services as storage
from apps.core.transactions import retry_on_conflict
from apps.features.audience import audience_of, may_run
from apps.features.fields import sealed_schema
from apps.features.publishing import SCOPE
from apps.quotas.services import account_of, hold_quota
from apps.tasks import events
from apps.tasks.errors import FeatureUnknown, InputInvalid
from apps.tasks.models import Task

log = structlog.get_logger("tasks")

RUN_JOB = "tasks.run"

POINTS = failpoints.declare("tasks.create.written", "tasks.create.committed")


@retry_on_conflict
def create_task(user: Any, *, feature: str, given: Mapping[str, Any], version: int | None = None) -> Task:
    """Queue a run of the live version of `feature`, or of the earlier `version` that was live for everybody once.

    Task, quota hold, first event and outbox row are one transaction: after a 202 nothing can be lost, before it
    nothing was done. What its models cost counts against the budgets of the user and of the API key that the user came
    with. Raises `FeatureUnknown`, `InputInvalid` with a pointer per field, `QuotaExhausted`, `KeyScopeExceeded` when
    that key is not for this feature.
    """
    if not user.allows_feature(feature):
        raise KeyScopeExceeded(wanted=feature)
    person = Person(str(user.pk), user.role_names)
    version, payload = runnable(person, feature, version)
    content = _checked_input(user, person.roles, payload["form"]["schema"], given)
    account_of(user)  # opens the account on first sight, outside the transaction that follows
    with transaction.atomic():
        task = Task.objects.create(
            id=uuid.uuid4(),
            user=user,
            key_id=user.key_grant.id if user.key_grant else None,
            feature=feature,
            version=version,
            input=content,
            cost=payload["cost"],
            request_id=get_request_id(),
            language=translation.get_language() or "en",
            event_seq=1,
        )
        hold_quota(user, task=str(task.pk), amount=payload["cost"])
        events.log(task, "queued", {})
        enqueue(RUN_JOB, str(task.pk))
        failpoints.hit("tasks.create.written")
    failpoints.hit("tasks.create.committed")
    log.info("task.created", task=str(task.pk), feature=feature, version=version)
    return task


def runnable(person: Person, feature: str, version: int | None = None) -> tuple[int, dict[str, Any]]:
    """The version of `feature` that `person` would run, with its payload. `version` asks for a certain one.

    An earlier version takes a feature that is live, and that both of them let the person run. Blocks when memory
    cannot answer. Raises `FeatureUnknown`.
    """
    who = audience_of(person)
    try:
        live, payload = reader.get(SCOPE, feature, person)
        if version not in (None, live) and may_run(payload, who) and _was_live(feature, version):
            live, payload = version, reader.version(SCOPE, feature, version)
    except NotReleased as exc:
        raise FeatureUnknown(feature=feature) from exc
    if version not in (None, live) or not may_run(payload, who):
        raise FeatureUnknown(feature=feature)
    return live, payload


def _was_live(feature: str, version: int) -> bool:
    return Release.objects.filter(scope=SCOPE, key=feature, to_version=version).exists()


def _checked_input(
    user: Any, roles: frozenset[str], schema: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    """What was sent, with the defaults of all fields; those that the user does not see take nothing else."""
    seen = sealed_schema(schema, roles)
    content = with_defaults(seen, given)
    problems = field_errors(seen, content)
    refused = {problem["pointer"] for problem in problems}
    for name in file_fields(seen):
        if content.get(name) and f"/{name}" not in refused:
            problems += file_problems(user, name, str(content[name]))
    if problems:
        raise InputInvalid(details={"errors": problems})
    return with_defaults(schema, given)


def file_problems(user: Any, name: str, file_id: str) -> list[dict[str, str]]:
    """What is wrong with the file that a field names: it is not the user's."""
    try:
        storage.get_for(user, file_id)
    except NotFound as exc:
        return [{"pointer": f"/{name}", "code": "file", "message": exc.text()}]
    return []
