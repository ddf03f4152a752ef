"""Released features as tools of `/mcp`: named by their keys, described in the caller's language."""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import translation

from apps.accounts.models import User
from apps.core.aio import in_thread
from apps.core.lane.identity import Principal
from apps.features import feed
from apps.features.audience import words
from apps.features.delivery import person_of, reading_for
from apps.mcp.server.errors import NoSuchTool
from apps.mcp.server.registry import Answered, LinkedFile, ServedTool, Watch
from apps.tasks import services
from apps.tasks.errors import FeatureUnknown, TaskEnded, TaskUnknown
from apps.tasks.events import Frame
from apps.tasks.faces.offers import Offer, offers_for
from apps.tasks.faces.results import Result, result_of
from apps.tasks.faces.runs import Run, cancel, frames, started

LISTS_KEPT = 128  # audiences, languages and keys of a revision or two
STEP = 1e-6  # progress has to grow with every word of it


@dataclass(frozen=True, slots=True)
class _Kept:
    """Tools, and the payloads that they were made of: those of a restored database have the same revisions."""

    payloads: Sequence[Mapping[str, Any]]
    tools: Sequence[ServedTool]

    def is_of(self, offers: Sequence[Offer]) -> bool:
        """Whether they are the tools of these."""
        return len(offers) == len(self.payloads) and all(
            offer.payload is payload for offer, payload in zip(offers, self.payloads, strict=True)
        )


class FeatureTools:
    """`mcp.server.registry.ToolSource` for released features."""

    def __init__(self) -> None:
        self._lists: OrderedDict[Hashable, _Kept] = OrderedDict()

    async def tools(self, principal: Principal) -> Sequence[ServedTool]:
        """By key. Built once for all who see the same at one revision."""
        reading = await reading_for(person_of(principal))
        offers = await offers_for(principal)
        address = reading.address("tools", principal.key.features if principal.key else None)
        kept = self._lists.get(address)
        if kept is None or not kept.is_of(offers):
            language = translation.get_language() or "en"
            tools = [_tool(offer, language, principal.roles) for offer in offers]
            kept = self._lists[address] = _Kept([offer.payload for offer in offers], tools)
        self._lists.move_to_end(address)
        while len(self._lists) > LISTS_KEPT:
            self._lists.popitem(last=False)
        return kept.tools

    async def call(self, name: str, arguments: Mapping[str, Any], principal: Principal, watch: Watch) -> Answered:
        """Run the feature as a task. Raises what refuses one, and what keeps it from its result."""
        try:
            run = await started(principal, name, lambda _form, _ui: arguments)
        except FeatureUnknown as exc:
            raise NoSuchTool(tool=name) from exc
        await watch.started(run.id)
        try:
            output = await _output(run, watch)
        except asyncio.CancelledError:
            if watch.cancels:
                await asyncio.shield(cancel(run))
            raise
        return _answered(run, await in_thread(result_of)(run, output))

    async def cancel(self, call_id: str, principal: Principal) -> None:
        """Cancel the principal's own task."""
        await in_thread(_cancelled)(principal, call_id)


def _cancelled(principal: Principal, task_id: str) -> None:
    user = User.objects.filter(pk=principal.user_id, is_active=True).first()
    if user is None:
        return
    try:
        services.cancel_task(user, task_id)
    except (TaskEnded, TaskUnknown):
        return


async def _output(run: Run, watch: Watch) -> Mapping[str, Any]:
    """What the run ended with, its progress told on the way."""
    told = 0.0
    output: Mapping[str, Any] = {}
    async with aclosing(frames(run, seconds=settings.FEATURE_MODEL_SECONDS)) as heard:
        async for frame in heard:
            if frame.type == "succeeded":
                output = frame.data.get("output") or {}
            elif (progress := _progress(frame)) is not None:
                told = max(progress[0], told + STEP)
                await watch.progress(told, progress[1])
    return output


def _progress(frame: Frame) -> tuple[float, str] | None:
    """How far the run is, and in which words; None for events that say nothing of it."""
    data = frame.data
    if frame.type == "progress":
        return float(data.get("overall", 0.0)), str(data.get("message", ""))
    if frame.type == "step" and data.get("total"):
        ended = data.get("status") != "running"
        return (data["index"] + ended) / data["total"], str(data.get("title", ""))
    return None


def _answered(run: Run, result: Result) -> Answered:
    return Answered(
        text=result.text,
        structured=result.output,
        files=[LinkedFile(file.name, file.mime, file.size, file.url) for file in result.files],
        about={"task": run.id, "feature": run.task.feature, "version": run.task.version, "cost": run.task.cost},
    )


def _tool(offer: Offer, language: str, roles: frozenset[str]) -> ServedTool:
    """The tool in `language`, with the schemas that somebody with `roles` may know."""
    output = feed.output(offer.payload, language, roles).schema
    return ServedTool(
        name=offer.key,
        title=words(offer.payload["title"], language),
        description=words(offer.payload["description"], language),
        input_schema={**feed.form(offer.payload, language, roles).schema, "type": "object"},
        output_schema=output if output.get("type") == "object" else None,
    )
