"""`feature:<key>` and `feature:<key>@<version>` as models of `/v1/*`."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Final

from django.conf import settings
from django.utils import translation

from apps.core.aio import in_thread
from apps.core.lane.identity import Principal
from apps.features.delivery import person_of
from apps.providers.errors import NoRoute
from apps.providers.gateway.virtual import ModelCard, Told, VirtualAnswer
from apps.providers.types import Delta, Finish, Item, Usage
from apps.tasks.errors import FeatureUnknown
from apps.tasks.faces.chat_input import fill_from
from apps.tasks.faces.offers import allows, offers_for
from apps.tasks.faces.results import counted, result_of
from apps.tasks.faces.runs import Run, cancel, frames, started
from apps.tasks.faces.speech import Speech
from apps.tasks.services import runnable

PREFIX: Final = "feature"
CANCEL: Final = "x-paiban-cancel-on-disconnect"
_NAME = re.compile(r"feature:([a-z0-9][a-z0-9-]{0,63})(?:@([1-9][0-9]{0,8}))?")


class FeatureModels:
    """`providers.gateway.virtual.VirtualModels` for released features."""

    prefix = PREFIX

    async def cards(self, principal: Principal) -> list[ModelCard]:
        """Each feature that the principal may run, as it is live and by its version."""
        names = [
            name
            for offer in await offers_for(principal)
            for name in (f"{PREFIX}:{offer.key}", f"{PREFIX}:{offer.key}@{offer.version}")
        ]
        return [ModelCard(name, 0, "paiban") for name in names]

    async def card(self, model: str, principal: Principal) -> ModelCard | None:
        """The feature, also in an earlier version that the principal may run."""
        named = _NAME.fullmatch(model)
        if named is None or not allows(principal, named[1]):
            return None
        try:
            await in_thread(runnable)(person_of(principal), named[1], int(named[2]) if named[2] else None)
        except FeatureUnknown:
            return None
        return ModelCard(model, 0, "paiban")

    async def ask(
        self, model: str, body: Mapping[str, Any], principal: Principal, headers: Mapping[str, str]
    ) -> VirtualAnswer:
        """The answer of a task that was made for it. Raises `NoRoute`, and what refuses a task."""
        named = _NAME.fullmatch(model)
        if named is None:
            raise NoRoute(capability=model)
        version = int(named[2]) if named[2] else None
        try:
            run = await started(principal, named[1], fill_from(body), version=version)
        except FeatureUnknown as exc:
            raise NoRoute(capability=model) from exc
        seconds = None if body.get("stream") else settings.FEATURE_MODEL_SECONDS
        items = _items(run, seconds=seconds, cancels=headers.get(CANCEL, "").lower() == "true")
        return VirtualAnswer(model, items, _headers(run), _about(run))


def _headers(run: Run) -> dict[str, str]:
    return {
        "X-Paiban-Task": run.id,
        "X-Paiban-Version": str(run.task.version),
        "X-Paiban-Cost": str(run.task.cost),  # credits
    }


def _about(run: Run) -> dict[str, Any]:
    return {"task": run.id, "feature": run.task.feature, "version": run.task.version, "cost": run.task.cost}


async def _items(run: Run, *, seconds: float | None, cancels: bool) -> AsyncGenerator[Item | Told, None]:
    """Text as the run says it, its other events, and what is left of the result at the end.

    Closed early, the run goes on, unless the caller asked for it to be cancelled.
    """
    speech, ended = Speech(run.payload), False
    try:
        async with aclosing(frames(run, seconds=seconds)) as heard:
            async for frame in heard:
                if text := speech.heard(frame):
                    yield Delta(text)
                    continue
                ended = frame.is_ending
                yield Told(frame.as_dict())
                if ended and (rest := speech.rest(await in_thread(_result)(run, frame.data.get("output") or {}))):
                    yield Delta(rest)
    except (GeneratorExit, asyncio.CancelledError):
        if cancels and not ended:
            await asyncio.shield(cancel(run))
        raise
    yield Finish("stop")
    found = await in_thread(counted)(run)
    yield Usage(found.input, found.output, found.cached)


def _result(run: Run, output: Mapping[str, Any]) -> Any:
    with translation.override(run.language):
        return result_of(run, output)
