"""Delay: goes on later, after some time or at a time. Nothing runs meanwhile.

Costs: nothing.
When it fails: the time that `until` names is no time, or more than 30 days away: the step fails at once.
After a kill: goes on at the time that was set first; a kill does not begin the wait anew.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import Field

from apps.core.errors import ApiError
from apps.pipelines.nodes.base import BaseNode, NodeConfig, NodeContext, NodeResult, Schema, Slept, Woken, closed
from apps.pipelines.nodes.errors import TimeInvalid
from apps.pipelines.wiring import references, resolve

LONGEST: Final = timedelta(days=30)


class DelayConfig(NodeConfig):
    seconds: int | None = Field(
        default=None,
        ge=1,
        le=int(LONGEST.total_seconds()),
        title=gettext_noop("Seconds"),
        description=gettext_noop("How long to wait."),
    )
    until: str = Field(
        default="",
        max_length=200,
        title=gettext_noop("Until"),
        description=gettext_noop("Or a time, such as 2026-01-31T09:00:00Z or the name of an input, as {{ time }}."),
        json_schema_extra={"x-widget": "liquid"},
    )


class DelayNode(BaseNode):
    type = "delay"
    label = _("Delay")
    help = _("Goes on later.")
    category = "flow"
    icon = "clock"
    Config = DelayConfig
    says = (TimeInvalid,)

    async def run(self, context: NodeContext) -> NodeResult:
        if isinstance(context.resumed, Woken):
            return _reached(context.resumed.until)
        until = _until(context.config, context.inputs)
        if until <= timezone.now():
            return _reached(until)
        raise Slept(until)

    def accepts(self, config: DelayConfig, parts: Mapping[str, Any]) -> Schema:
        try:
            names = {path[0] for path in references(config.until)}
        except ApiError:
            names = set()  # said as a mistake
        return {"type": "object", "properties": {}, "required": sorted(names)}

    def produces(self, config: DelayConfig, parts: Mapping[str, Any]) -> Schema | None:
        return closed({"until": {"type": "string", "format": "date-time"}})

    def mistakes(self, config: DelayConfig) -> Iterator[tuple[str, ApiError]]:
        if (config.seconds is None) == (not config.until):
            yield "seconds", TimeInvalid(until=config.until)
        elif config.until and "{" not in config.until and _time(config.until) is None:
            yield "until", TimeInvalid(until=config.until)
        try:
            references(config.until)
        except ApiError as exc:
            yield "until", exc


def _until(config: DelayConfig, inputs: Mapping[str, Any]) -> datetime:
    now = timezone.now()
    if config.seconds is not None:
        return now + timedelta(seconds=config.seconds)
    wanted = str(resolve(config.until, inputs))
    found = _time(wanted)
    if found is None or found > now + LONGEST:
        raise TimeInvalid(until=wanted[:100])
    return found


def _time(text: str) -> datetime | None:
    """A time with its zone; without one it is UTC."""
    try:
        found = parse_datetime(text.strip())
    except ValueError:
        return None  # it has the form of a time, and is none
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found


def _reached(until: datetime) -> NodeResult:
    return NodeResult({"until": until.isoformat()})


NODE = DelayNode()
