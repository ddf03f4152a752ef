"""The outside world: a model server that writes down every call, so that what was repeated is seen from there, too."""

import asyncio
import json
import random
import threading
import time
from dataclasses import dataclass

from aiohttp import web

LATENCY = (0.05, 0.6)  # seconds before the first word
WORDS = 12


@dataclass(frozen=True)
class Call:
    """One request: for which run and step, under which key, when it came (seconds since the epoch)."""

    run: str
    step: str
    key: str
    at: float


class ModelServer:
    """An OpenAI-compatible server in a thread of this process. A call's text is `RUN STEP ...`."""

    def __init__(self, seed: int) -> None:
        self.calls: list[Call] = []
        self.port = 0
        self._chance = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> "ModelServer":
        """Serve until `stop`; `url` is known from now on."""
        self._thread.start()
        self._up.wait(20)
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._open())
        self._up.set()
        self._loop.run_forever()
        self._loop.close()

    async def _open(self) -> None:
        application = web.Application()
        application.router.add_post("/v1/chat/completions", self._answer)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        came = time.time()
        asked = await request.json()
        run, step = str(asked["messages"][-1]["content"]).split()[:2]
        self.calls.append(Call(run, step, request.headers.get("Idempotency-Key", ""), came))
        await asyncio.sleep(self._chance.uniform(*LATENCY))
        try:
            return await self._speak(request, step)
        except ConnectionError:
            raise asyncio.CancelledError from None  # whoever asked has died

    @staticmethod
    async def _speak(request: web.Request, step: str) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        for number in range(WORDS):
            await answer.write(_chunk(choices=[{"index": 0, "delta": {"content": f"{step}{number} "}}]))
            await asyncio.sleep(0.01)
        usage = {"prompt_tokens": 4, "completion_tokens": WORDS, "total_tokens": 4 + WORDS}
        await answer.write(_chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]))
        await answer.write(_chunk(choices=[], usage=usage) + b"data: [DONE]\n\n")
        return answer


def _chunk(**fields: object) -> bytes:
    head = {"id": "chatcmpl-faults", "object": "chat.completion.chunk", "created": 1, "model": "faults-chat"}
    return b"data: " + json.dumps({**head, **fields}).encode() + b"\n\n"
