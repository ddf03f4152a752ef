"""The outside world: models and a service that write down every call; they see what was repeated, too."""

import asyncio
import json
import random
import ssl
import threading
import time
from dataclasses import dataclass

from aiohttp import web

from ops.processes import free_port
from tests.faults.chaos.scenes import KEY_HEADER

LATENCY = (0.05, 0.6)  # seconds before the first word, or before a service answers
WORDS = 12


@dataclass(frozen=True)
class Call:
    """One request: for which run and step, under which key, when it came (seconds since the epoch).

    `step` is the step's path. A call of a service that knows no keys has none.
    """

    run: str
    step: str
    key: str
    at: float


class Outside:
    """A thread of this process that serves an OpenAI-compatible API, and over https a service that does things.

    A model is asked `RUN STEP ...`; the service is told of run and step in the body. Both are reached before `start`
    has been called, too: the ports are kept free for them.
    """

    def __init__(self, seed: int) -> None:
        self.calls: list[Call] = []
        self._ports = free_port(), free_port()
        self._certificate: ssl.SSLContext | None = None
        self._chance = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        """Of the models."""
        return f"http://127.0.0.1:{self._ports[0]}/v1"

    @property
    def host(self) -> str:
        """Of the service."""
        return f"127.0.0.1:{self._ports[1]}"

    def start(self, certificate: ssl.SSLContext) -> None:
        """Serve until `stop`."""
        self._certificate = certificate
        self._thread.start()
        self._up.wait(20)

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
        application.router.add_post("/effects", self._do)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        for port, certificate in zip(self._ports, (None, self._certificate), strict=True):
            await web.TCPSite(runner, "127.0.0.1", port, ssl_context=certificate).start()

    async def _do(self, request: web.Request) -> web.Response:
        """What cannot be undone: it counts when it arrives, whether or not anybody reads the answer."""
        came = time.time()
        asked = await request.json()
        self.calls.append(Call(asked["run"], asked["step"], request.headers.get(KEY_HEADER, ""), came))
        await asyncio.sleep(self._chance.uniform(*LATENCY))
        return web.json_response({"done": True})

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
