"""Local servers: only from the catalogue, with an empty environment, and nothing of them stays behind."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from apps.core.errors import ApiError
from apps.mcp import client
from apps.mcp.errors import AnswerInvalid, AnswerTooLarge, CatalogueEntryUnknown, ServerUnreachable
from apps.mcp.sessions import Session
from apps.mcp.target import Credential, Target
from tests.mcp.builders import children

NOBODY = client.fixed(Credential())
CYCLES = 200
# A server in few words, for what the SDK's would not do: it answers with whatever stands in its arguments.
RAW = """
import json, sys, os
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    head = {"jsonrpc": "2.0", "id": message["id"]}
    if message["method"] == "initialize":
        info = {"name": "raw", "version": "1"}
        head["result"] = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
    elif message["method"] == "tools/list":
        %s
    else:
        head["error"] = {"code": -32601, "message": "no"}
    print(json.dumps(head), flush=True)
"""


@pytest.fixture
def catalogue(settings: Any, tmp_path: Path) -> Any:
    """Puts a program into the catalogue."""

    def put(program: str) -> Target:
        path = tmp_path / "server.py"
        path.write_text(program)
        settings.MCP_STDIO_CATALOGUE = {"raw": {"command": [sys.executable, str(path)]}}
        return Target("raw", catalogue_id="raw")

    return put


def listed(target: Target) -> Any:
    """The listing, or the error; the process has ended."""

    async def work() -> Any:
        session = Session(target, NOBODY)
        try:
            await session.client()
            return await session.listing()
        except ApiError as exc:
            return exc
        finally:
            await session.close()

    return async_to_sync(work)()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_start__environment__is_empty_but_for_path_and_language(catalogue, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    shown = 'head["result"] = {"tools": [{"name": n, "inputSchema": %s} for n in os.environ if n != "LC_CTYPE"]}'
    target = catalogue(RAW % (shown % '{"type": "object"}'))

    assert set(listed(target).tools) == {"PATH", "LANG", "PYTHONUNBUFFERED"}


def test_start__entry_that_left_the_settings__starts_nothing(settings):
    settings.MCP_STDIO_CATALOGUE = {}
    before = children()

    assert type(listed(Target("raw", catalogue_id="raw"))) is CatalogueEntryUnknown
    assert children() == before


def test_start__program_that_is_not_there__is_unreachable(settings):
    settings.MCP_STDIO_CATALOGUE = {"raw": {"command": ["/no/such/program"]}}

    assert type(listed(Target("raw", catalogue_id="raw"))) is ServerUnreachable


@pytest.mark.parametrize(
    ("does", "expected"),
    [
        ("sys.stdout.write('{' + 'x' * 10_000_000); sys.stdout.flush(); continue", AnswerTooLarge),
        ('sys.stdout.buffer.write(b\'{"id": "\\xff\\xfe"}\\n\'); sys.stdout.flush(); continue', AnswerInvalid),
        ("print('{\"jsonrpc\": ', flush=True); continue", AnswerInvalid),
        ("print('{\"a\":' * 50_000, flush=True); continue", AnswerInvalid),
        ("sys.exit(1)", ServerUnreachable),
        ("os.kill(os.getpid(), 9)", ServerUnreachable),
    ],
)
def test_list__server_misbehaves__ends_in_the_clear_error(catalogue, does, expected):
    assert type(listed(catalogue(RAW % does))) is expected


def test_list__other_lines_on_its_output__are_taken_for_what_they_are(catalogue):
    target = catalogue('print("Starting up...", flush=True)\n' + RAW % 'head["result"] = {"tools": []}; print("hm")')

    assert listed(target).server_name == "raw"


def test_run__much_on_stderr__does_not_block(catalogue):
    target = catalogue(RAW % 'sys.stderr.write("x" * 5_000_000); head["result"] = {"tools": []}')

    assert listed(target).tools == {}


def ends(pid: int) -> bool:
    """Whether the process is gone; one that was killed is so once it had its turn."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_close__server_that_ignores_every_hint_and_its_child__both_end(catalogue, tmp_path, monkeypatch):
    monkeypatch.setattr("apps.mcp.transports.stdio.END_SECONDS", 0.3)
    stubborn = (
        "import signal, subprocess, sys\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time, signal; "
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)'])\n"
        f"open({str(tmp_path / 'pids')!r}, 'w').write(f'{{child.pid}}')\n"
    )
    forever = "\nimport time\nwhile True: time.sleep(1)\n"
    before = children()

    told = listed(catalogue(stubborn + RAW % 'head["result"] = {"tools": []}' + forever))

    child = int((tmp_path / "pids").read_text())
    assert (told.tools, children() - before) == ({}, set())
    assert ends(child)


def test_cycles__start_stop_kill__leave_no_process_and_no_descriptor(catalogue):
    target = catalogue(RAW % 'head["result"] = {"tools": []}')
    before = children()

    async def one(kill: bool) -> None:
        session = Session(target, NOBODY)
        await session.client()
        if kill:
            (pid,) = children() - before
            os.kill(pid, signal.SIGKILL)
        await session.close()

    async def work() -> list[int]:
        counts = []
        for cycle in range(CYCLES):
            await one(kill=cycle % 2 == 1)
            counts.append(descriptors())
        return counts

    counts = async_to_sync(work)()

    assert children() - before == set()
    assert counts[-1] <= counts[1]


def test_open__given_up_half_way__ends_the_process(catalogue):
    target = catalogue("import time\ntime.sleep(600)\n")
    before = children()

    async def work() -> None:
        session = Session(target, NOBODY)
        waiting = asyncio.ensure_future(session.client())
        await asyncio.sleep(0.2)
        waiting.cancel()
        await session.close()

    async_to_sync(work)()

    assert children() - before == set()
