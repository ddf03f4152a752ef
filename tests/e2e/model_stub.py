"""A model service of the tests: speaks the gateway's stream, with the faults that a test asks for."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ops.processes import free_port

WORDS = ("Warm ", "light ", "for ", "long ", "evenings. ", "Quiet ", "and ", "dimmable.")
PAUSE = 0.08


class ModelStub:
    """Where it listens, and what it was asked."""

    def __init__(self) -> None:
        self.port = free_port()
        self.asked: list[dict[str, Any]] = []
        self.closed = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def models(self, _request: Request) -> Response:
        names = ["mock-chat", "mock-other", "slow", "breaks", "cut"]
        return JSONResponse({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})

    async def chat(self, request: Request) -> Response:
        asked = await request.json()
        self.asked.append(asked | {"authorization": request.headers.get("authorization", "")})
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._frames(asked), media_type="text/event-stream", headers=headers)

    async def _frames(self, asked: dict[str, Any]) -> AsyncIterator[bytes]:
        model = asked.get("model") or "mock-chat"
        number = 0

        def frame(event: str, data: dict[str, Any]) -> bytes:
            nonlocal number
            number += 1
            return f"id: {number}\nevent: {event}\ndata: {json.dumps(data)}\n\n".encode()

        finished = False
        try:
            yield frame("start", {"requestId": "req-1", "model": model, "endpoint": "stub"})
            yield b": heartbeat\n\n"
            words = WORDS * 40 if model == "slow" else WORDS
            for at, word in enumerate(words):
                await asyncio.sleep(PAUSE)
                yield frame("delta", {"text": word})
                if at == 3 and model == "breaks":
                    yield frame("error", _broken())
                    finished = True
                    return
                if at == 3 and model == "cut":
                    finished = True
                    return
            tokens = {"input_tokens": 42, "output_tokens": len(words), "cached_tokens": 0}
            yield frame("usage", {**tokens, "estimated": False, "cost": 12_345})
            yield frame("done", _done(model))
            finished = True
        finally:
            self.closed += not finished


def _broken() -> dict[str, Any]:
    message = "The model service “stub” did not answer properly (connection lost). Try again in a moment."
    reason = {"code": "PROVIDERS_5001", "reason": "E_UPSTREAM_FAILED", "message": message}
    return {**reason, "requestId": "req-1", "retryable": True}


def _done(model: str) -> dict[str, Any]:
    attempts = [
        {"endpoint": "first", "model": model, "error": "429 too many requests"},
        {"endpoint": "stub", "model": model, "error": None},
    ]
    how = {"degraded": model == "mock-other", "mock": True}
    return {"finish_reason": "stop", "model_used": model, "endpoint": "stub", "attempts": attempts, **how}


@contextmanager
def running_stub() -> Iterator[ModelStub]:
    """The service on a free port, until the block ends."""
    stub = ModelStub()
    routes = [Route("/v1/models", stub.models), Route("/api/v1/ai/chat", stub.chat, methods=["POST"])]
    config = uvicorn.Config(Starlette(routes=routes), port=stub.port, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.01)
    try:
        yield stub
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(10)
