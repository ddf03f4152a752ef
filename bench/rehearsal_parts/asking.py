"""Calls as a client makes them, and what came of each."""

import time
from dataclasses import dataclass
from typing import Any, NamedTuple

import aiohttp
import msgspec

from bench.rehearsal_parts.site import MODEL

FACES = ("/v1/chat/completions", "/api/v1/ai/chat")
SECONDS = 30.0


@dataclass(frozen=True)
class Form:
    """How to ask."""

    path: str = FACES[0]
    stream: bool = False


FORMS = tuple(Form(path, stream) for path in FACES for stream in (False, True))


class Outcome(NamedTuple):
    """`code` is Paiban's own for a refusal, "" for a whole answer, or why there was none. Times are monotonic."""

    began: float
    ended: float
    status: int
    code: str

    @property
    def answered(self) -> bool:
        return self.status == 200 and not self.code


class Client:
    """Keeps its connections, unless `fresh`: then each call opens one, as a balancer without a pool does."""

    def __init__(self, *, fresh: bool = False) -> None:
        connector = aiohttp.TCPConnector(limit=0, force_close=fresh)
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)

    async def chat(self, port: int, authorization: str, form: Form = Form()) -> Outcome:
        """One chat. Never raises for what the server or the network does."""
        began = time.monotonic()
        body = {"model": MODEL, "messages": [{"role": "user", "content": "Tell me of tea."}], "max_tokens": 64}
        try:
            status, told = await self.send("POST", port, form.path, authorization, json=body | {"stream": form.stream})
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            return Outcome(began, time.monotonic(), 0, type(exc).__name__)
        return Outcome(began, time.monotonic(), status, _code(status, told, form))

    async def send(self, method: str, port: int, path: str, authorization: str, **given: Any) -> tuple[int, bytes]:
        """Status and body of any call."""
        headers = {"Authorization": authorization, **given.pop("headers", {})}
        url = f"http://127.0.0.1:{port}{path}"
        async with self._session.request(method, url, headers=headers, **given) as answer:
            return answer.status, await answer.read()

    async def close(self) -> None:
        await self._session.close()


def _code(status: int, told: bytes, form: Form) -> str:
    if status != 200:
        found = msgspec.json.decode(told)
        return str(found["error"]["paiban_code"] if "error" in found else found["code"])
    if not form.stream:
        return ""
    end = b"[DONE]" if form.path == FACES[0] else b"event: done"
    return "" if end in told else "the stream was cut"
