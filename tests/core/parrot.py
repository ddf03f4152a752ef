"""A model server that repeats what it was sent with, headers and all, in every way in which it can fail."""

import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

STATUSES = (400, 401, 404, 429, 500, 529)
STREAMS = ("event at first", "event later", "cut")
WAYS = (*map(str, STATUSES), "html", "error in 200", *STREAMS, "malformed", "listed")


class Parrot:
    """`way` is how it fails; `heard` are the secrets it was sent."""

    def __init__(self) -> None:
        self.way = ""
        self.heard: list[str] = []
        self.app = Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "POST"])])

    async def answer(self, request: Request) -> Response:
        names = ("authorization", "x-api-key", "x-goog-api-key", "api-key")
        sent = next(request.headers[name] for name in names if name in request.headers).removeprefix("Bearer ")
        self.heard.append(sent)
        # In full, cut short as vendors do, with its header, and in a header of the answer.
        words = f"Incorrect key {sent}; {sent[:9]}***{sent[-9:]}; Authorization: Bearer {sent}"
        answer = self._failing(words, {"error": {"message": words, "type": sent, "code": sent, "param": sent}})
        answer.headers["X-Request-Id"] = answer.headers["X-Debug-Key"] = sent
        return answer

    def _failing(self, words: str, error: dict[str, Any]) -> Response:
        if self.way.isdigit():
            return JSONResponse(error, int(self.way), headers={"Retry-After": "1"})
        if self.way in STREAMS:
            return self._streaming(error)
        if self.way == "listed":
            return JSONResponse({"object": "list", "data": [{"id": words}, {"id": words.split()[2]}]})
        if self.way == "malformed":
            return Response('{"choices": "' + words, media_type="application/json")
        return HTMLResponse(f"<h1>{words}</h1>", 502) if self.way == "html" else JSONResponse(error)

    def _streaming(self, error: dict[str, Any]) -> Response:
        said = {"choices": [{"index": 0, "delta": {"content": "Tea"}, "finish_reason": None}]}
        events = [error] if self.way == "event at first" else [said, error] if self.way == "event later" else [said]
        body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
        return Response(body, media_type="text/event-stream")
