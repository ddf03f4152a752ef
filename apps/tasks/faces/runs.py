"""Start a run for somebody who came with a token or a key, and follow it to its end."""

import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

import structlog
from django.conf import settings
from django.utils import translation

from apps.accounts.models import User
from apps.core.aio import in_thread
from apps.core.config import Person
from apps.core.errors import ApiError, Unauthenticated
from apps.core.lane.identity import Principal
from apps.features.fields import visible_schema
from apps.providers.budgets import MICRO
from apps.quotas.errors import BudgetExhausted
from apps.tasks import services
from apps.tasks.errors import FeatureUnknown, TaskEnded
from apps.tasks.events import Frame, follow
from apps.tasks.faces.errors import RunCancelled, RunFailed, RunTimeout, RunWaits
from apps.tasks.faces.offers import allows
from apps.tasks.faces.uploads import Uploads
from apps.tasks.models import Task

log = structlog.get_logger("tasks")


@dataclass(frozen=True, slots=True)
class Run:
    """A task that was started, the release it runs, and for whom."""

    task: Task
    user: User
    payload: Mapping[str, Any]
    language: str

    @property
    def id(self) -> str:
        """The task's id."""
        return str(self.task.pk)

    @property
    def link(self) -> str:
        """Where the task can be read."""
        return f"{settings.BASE_URL.rstrip('/')}/api/v1/tasks/{self.id}"


# The values of a form's fields, for the form as the person sees it, and its uiSchema. Raises `ApiError`.
Fill = Callable[[Mapping[str, Any], Any], Mapping[str, Any]]


async def started(principal: Principal, feature: str, fill: Fill, *, version: int | None = None) -> Run:
    """A queued run, made as `POST /api/v1/tasks` makes it; pictures in its input are stored first.

    Raises `Unauthenticated`, `FeatureUnknown`, `InputInvalid`, `QuotaExhausted`; nothing is left behind then.
    """
    if not allows(principal, feature):
        raise FeatureUnknown(feature=feature)
    return await in_thread(_started)(principal, feature, fill, version)


def _started(principal: Principal, feature: str, fill: Fill, version: int | None) -> Run:
    user = _user(principal)
    wanted, payload = services.runnable(Person(str(user.pk), user.role_names), feature, version)
    form = visible_schema(payload["form"]["schema"], user.role_names)
    values = fill(form, payload["form"]["ui"])
    with Uploads(user) as uploads:
        taken = uploads.taken(form, values)
        task = services.create_task(user, feature=feature, given=taken, version=wanted)
    return Run(task, user, payload, translation.get_language() or "en")


def _user(principal: Principal) -> User:
    """The person, asked for anew: work that costs is not started on the word of a token alone."""
    user = User.objects.filter(pk=principal.user_id, is_active=True, token_epoch=principal.epoch).first()
    if user is None:
        raise Unauthenticated()
    user.key_grant = principal.key
    return user


async def frames(run: Run, *, seconds: float | None = None) -> AsyncGenerator[Frame, None]:
    """Every event of the run; the last one is `succeeded`.

    Raises `BudgetExhausted` when that ended it, else `RunFailed`, `RunCancelled`, `RunWaits`; `RunTimeout` after
    `seconds`, and the task goes on.
    """
    deadline = time.monotonic() + seconds if seconds is not None else None
    async with aclosing(cast("AsyncGenerator[Frame | None, None]", follow(run.id, after=0))) as followed:
        async for frame in followed:
            if frame is not None:
                if (error := _error_of(run, frame)) is not None:
                    raise error
                yield frame
            if deadline is not None and time.monotonic() > deadline and not (frame and frame.is_ending):
                raise RunTimeout(task=run.id, link=run.link, details={"task": run.id})


def _error_of(run: Run, frame: Frame) -> ApiError | None:
    details = {"task": run.id}
    match frame.type:
        case "failed":
            error = frame.data.get("error") or {}
            if error.get("code") == BudgetExhausted.code:
                return _over_budget(run, error.get("details") or {})
            return RunFailed(what=error.get("message", ""), details={**details, "error": error})
        case "cancelled":
            return RunCancelled(details=details)
        case "waiting_input":
            return RunWaits(task=run.id, details=details)
    return None


def _over_budget(run: Run, details: Mapping[str, Any]) -> ApiError:
    """As a call to a model would tell it: a client that knows what a spent budget is need not look inside."""
    cap = int(details.get("budget", 0)) / MICRO
    return BudgetExhausted(budget=f"{cap:g}", details={**details, "task": run.id})


async def cancel(run: Run) -> None:
    """Cancel it, unless it has ended."""
    try:
        await in_thread(services.cancel_task)(run.user, run.id)
    except TaskEnded:
        return
    log.info("task.cancelled_by_caller", task=run.id)
