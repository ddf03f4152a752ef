"""Map: runs a pipeline once for each item of a list, several at a time, and gathers what they give in the same order.

The pipeline's start is given `item`, `index` and every other input of this step.

Costs: what the pipeline costs, times the number of items.
When it fails: with `on_item_error` `fail` the first item that fails ends the others and the step; with `skip` it is
left out, with `null` it leaves a gap; `failed` tells of it.
After a kill: items that were finished are not run again.
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import Field

from apps.core.errors import ApiError
from apps.pipelines.errors import PipelineNotThere, RunLimit, TooDeep
from apps.pipelines.nodes import inner
from apps.pipelines.nodes.base import BaseNode, NodeConfig, NodeContext, NodeResult, Pause, Schema, closed
from apps.pipelines.nodes.errors import ListNeeded, ListTooLong

_MISSING: Final = object()
_WHOLE: Final = (RunLimit, PipelineNotThere, TooDeep)  # not an item's own failure: every other would meet it, too


class MapConfig(NodeConfig):
    pipeline: str = Field(min_length=1, title=gettext_noop("Pipeline"), json_schema_extra={"x-widget": "pipeline"})
    concurrency: int = Field(default=4, ge=1, le=20, title=gettext_noop("At once"))
    max_items: int = Field(
        default=100,
        ge=1,
        le=10_000,
        title=gettext_noop("Most items"),
        description=gettext_noop("A longer list is refused."),
    )
    on_item_error: Literal["fail", "skip", "null"] = Field(
        default="fail",
        title=gettext_noop("When an item fails"),
        description=gettext_noop("Fail as a whole, leave the item out, or keep its place empty."),
    )


class MapNode(BaseNode):
    type = "map"
    label = _("For each")
    help = _("Runs a pipeline for each item of a list.")
    category = "flow"
    icon = "layers"
    Config = MapConfig
    effect = "effect"
    default_timeout = 3_600.0  # the steps inside have limits of their own
    max_timeout = 86_400.0

    async def run(self, context: NodeContext) -> NodeResult:
        config: MapConfig = context.config
        items = context.inputs.get("items")
        if not isinstance(items, list | tuple):
            raise ListNeeded(node=context.node_id)
        if len(items) > config.max_items:
            raise ListTooLong(node=context.node_id, most=config.max_items, count=len(items))
        work = _Work(context, items)
        await work.done()
        return NodeResult(work.told())

    def accepts(self, config: MapConfig, parts: Mapping[str, Any]) -> Schema:
        items = {"type": "array", "maxItems": config.max_items}
        shared = inner.taken(parts, config.pipeline) or {}
        fields = {name: field for name, field in shared.get("properties", {}).items() if name not in _OWN}
        needed = [name for name in shared.get("required", ()) if name not in _OWN]
        return {"type": "object", "properties": {**fields, "items": items}, "required": ["items", *needed]}

    def produces(self, config: MapConfig, parts: Mapping[str, Any]) -> Schema | None:
        number, text = {"type": "integer"}, {"type": "string"}
        one = dict(inner.given(parts, config.pipeline) or {})
        items = {"anyOf": [one, {"type": "null"}]} if config.on_item_error == "null" else one
        failed = closed({"index": number, "code": text, "message": text})
        return closed(
            {
                "items": {"type": "array", "items": items},
                "failed": {"type": "array", "items": failed},
                "count": number,
            }
        )

    def worst_cost(self, config: Any, parts: Mapping[str, Any]) -> int | None:
        return None  # the graph's own sum goes through the pipelines that its nodes name


_OWN: Final = frozenset({"item", "index"})


class _Work:
    """The items of one map. As many workers as may run at once take them one by one, so that 10,000 are no more tasks
    than ten."""

    def __init__(self, context: NodeContext, items: Any) -> None:
        self._context = context
        self._config: MapConfig = context.config
        self._items = items
        self._waiting: Iterator[tuple[int, Any]] = iter(enumerate(items))
        self._shared = {name: value for name, value in context.inputs.items() if name != "items"}
        self._made: list[Any] = [_MISSING] * len(items)
        self._failed: dict[int, ApiError] = {}
        self._pauses: list[Pause] = []
        self._finished = 0

    async def done(self) -> None:
        """Return when every item is done. Raises the first failure where that counts, and `Pause` when an item waits.

        After the first that waits no more are begun, or 10,000 questions could stand open at once; those that were
        begun are brought to their end first.
        """
        workers = [
            asyncio.create_task(self._worker()) for _number in range(min(self._config.concurrency, len(self._items)))
        ]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        if self._pauses:
            raise self._pauses[0]

    def told(self) -> dict[str, Any]:
        """What the step gives."""
        gaps = self._config.on_item_error == "null"
        made = [None if one is _MISSING else one for one in self._made if gaps or one is not _MISSING]
        failed = [
            {"index": index, "code": error.code, "message": error.text()}
            for index, error in sorted(self._failed.items())
        ]
        return {"items": made, "failed": failed, "count": len(made)}

    async def _worker(self) -> None:
        for index, item in self._waiting:
            await self._one(index, item)
            if self._pauses:
                return
            self._finished += 1
            await self._tell()

    async def _one(self, index: int, item: Any) -> None:
        given = {**self._shared, "item": item, "index": index}
        try:
            self._made[index] = dict(await self._context.nested.run(self._config.pipeline, given, item=index))
        except Pause as pause:
            self._pauses.append(pause)
        except ApiError as error:
            if self._config.on_item_error == "fail" or isinstance(error, _WHOLE):
                error.details["item"] = index
                raise
            self._failed[index] = error

    async def _tell(self) -> None:
        """Progress, a hundred times at the most."""
        count = len(self._items)
        if self._finished * 100 // count > (self._finished - 1) * 100 // count:
            await self._context.on_progress(self._finished / count, f"{self._finished} / {count}")


NODE = MapNode()
