"""A model server whose answers come one after the other, and a released route to it."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from asgiref.sync import async_to_sync, sync_to_async

from apps.core.config import reader
from apps.mcp.sessions import pool
from apps.pipelines.nodes.base import NodeResult
from apps.providers.models import MICRO, Endpoint, Offer
from apps.providers.services import release_catalogue, set_secret
from tests.pipelines.nodes.context import arun
from tests.providers.builders import DONE, KEY, USAGE, ModelServer, event, words


def says(*texts: str) -> list[bytes]:
    """An answer of text."""
    return [*words(*texts), USAGE, DONE]


def calls(*wanted: tuple[str, Any], text: str = "") -> list[bytes]:
    """An answer that calls tools: name, and arguments as JSON or as the text that stands for them."""
    found = [
        {
            "index": number,
            "id": f"call-{number}",
            "type": "function",
            "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
        }
        for number, (name, given) in enumerate(wanted)
    ]
    said = [event(choices=[{"delta": {"content": text}}])] if text else []
    ended = event(choices=[{"delta": {}, "finish_reason": "tool_calls"}])
    return [*said, event(choices=[{"delta": {"tool_calls": found}}]), ended, USAGE, DONE]


class Models(ModelServer):
    """Gives each of `answers` once; the last for all that follow. `cut_after` answers are cut off."""

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.answers = list(answers)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await super().answer(request)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What was asked, one body for each call."""
        return [asked["body"] for asked in self.asked]


def run(server: ModelServer, config: Mapping[str, Any], inputs: Mapping[str, Any], **fields: Any) -> NodeResult:
    """The step's result, asked of `server` over a real connection. Raises what it raises."""

    async def work() -> NodeResult:
        async with server.running() as url:
            await sync_to_async(install)(url)
            try:
                return await arun("llm_chat", config, inputs, **fields)
            finally:
                await pool().close()

    return async_to_sync(work)()


def install(url: str) -> None:
    """The only route leads to `url`."""
    Endpoint.objects.all().delete()
    endpoint = Endpoint.objects.create(
        key="local", name="Local", handler_key="openai", base_url=url, priority=1, timeout_seconds=1, max_retries=0
    )
    capabilities = ["chat", "vision", "tools", "json"]
    prices = {"price_input": MICRO, "price_output": 2 * MICRO}
    Offer.objects.create(endpoint=endpoint, model="gpt-test", capabilities=capabilities, **prices)
    set_secret(endpoint, KEY, by=None)
    release_catalogue(by=None)
    reader.reset()
