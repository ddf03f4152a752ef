"""A client that costs less than what it measures: requests as prepared bytes over kept connections."""

import asyncio
import json
import os
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SLOWEST_SECONDS = 20.0  # a round that takes longer is cut short


@dataclass
class Target:
    """Where to ask, and with which headers and model name."""

    name: str
    port: int
    path: str = "/v1/chat/completions"
    model: str = "bench-chat"
    headers: Mapping[str, str] = field(default_factory=dict)
    pid: int = 0  # of the server, to ask what it cost

    def request(self, *, stream: bool) -> bytes:
        """One request, whole."""
        messages = [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Tell me of " + "tea " * 40},
        ]
        body = json.dumps({"model": self.model, "messages": messages, "max_tokens": 100, "stream": stream}).encode()
        headers = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": len(body), **self.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST {self.path} HTTP/1.1\r\n{lines}\r\n".encode() + body


@dataclass
class Round:
    """What one round took: seconds per answer and to its first byte, answers and events per second."""

    whole: list[float]
    first: list[float]
    seconds: float
    events: int
    cpu: float = 0.0  # seconds of the server's own

    @property
    def cpu_ms(self) -> float:
        return self.cpu / max(1, len(self.whole)) * 1000

    @property
    def rate(self) -> float:
        return len(self.whole) / self.seconds

    @property
    def event_rate(self) -> float:
        return self.events / self.seconds

    def p(self, share: float, *, first: bool = False) -> float:
        """A percentile in milliseconds."""
        found = sorted(self.first if first else self.whole)
        return found[min(len(found) - 1, int(len(found) * share))] * 1000

    @property
    def median_first(self) -> float:
        return statistics.median(self.first) * 1000


async def measure(target: Target, *, stream: bool, requests: int, concurrency: int) -> Round:
    """`requests` answers over `concurrency` connections. Raises `AssertionError` for any that is not a whole 200."""
    payload, left = target.request(stream=stream), iter(range(requests))
    found = Round([], [], 0.0, 0)
    began, cpu = time.perf_counter(), cpu_seconds(target.pid)
    await asyncio.gather(*[_connection(target, payload, left, found, began) for _ in range(concurrency)])
    found.seconds, found.cpu = time.perf_counter() - began, cpu_seconds(target.pid) - cpu
    return found


def cpu_seconds(pid: int) -> float:
    """What a process has used so far; 0 where it cannot be known."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _connection(target: Target, payload: bytes, left: object, found: Round, began: float) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port, limit=2**22)
    try:
        for _number in left:  # type: ignore[attr-defined]  # an iterator that all connections share
            started = time.perf_counter()
            writer.write(payload)
            first, events = await _answer(reader, target)
            found.whole.append(time.perf_counter() - started)
            found.first.append(first - started)
            found.events += events
            if time.perf_counter() - began > SLOWEST_SECONDS:
                break
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader, target: Target) -> tuple[float, int]:
    """When the first byte of the body came, and how many events the body held."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    assert b" 200 " in head[:20], (target.name, head[:200], await reader.read(500))
    if b"transfer-encoding: chunked" not in head:
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        return time.perf_counter(), body.count(b"data: ")
    first, parts = 0.0, []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        parts.append(await reader.readexactly(size + 2))
        first = first or time.perf_counter()
    await reader.readexactly(2)
    body = b"".join(part[:-2] for part in parts)
    assert b"[DONE]" in body or b"data:" not in body, (target.name, body[-300:])
    return first, body.count(b"data: ")
