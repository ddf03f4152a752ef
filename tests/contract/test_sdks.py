"""The official SDKs, unmodified, against a whole installation of processes: OpenAI's for Python and Node, and MCP's."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, cast

import httpx
import httpx2
import openai
import pytest
from django.conf import settings
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from openai import OpenAI

from apps.core import aio
from ops.node_env import find_node
from tests.faults.fleet import wait_until
from tests.faults.site import PASSWORD, Site
from tests.providers.builders import DONE, USAGE, ModelServer, event

SCRIPT = "tests/openai-sdk.mjs"
BUSY = [f"mock-busy+words={number}" for number in range(1, 9)]
CONTENT = """
from apps.providers.models import Endpoint, Offer
from apps.providers.services import release_catalogue, set_secret
mock = Endpoint.objects.get(key="mock")
for model, does in (("mock-chat", "chat"), ("mock-embedding", "embedding")):
    Offer.objects.create(endpoint=mock, model=model, capabilities=[does])
# Each of its own, for an endpoint that says it is busy is left alone for a while.
for model in {busy}:
    own = {"name": "Busy", "handler_key": "mock", "max_retries": 0, "priority": 5000}
    busy = Endpoint.objects.create(key="busy-" + model[-1], **own)
    Offer.objects.create(endpoint=busy, model=model, capabilities=["chat"])
# Last, so that features ask the mock.
own = {"handler_key": "openai", "base_url": "{url}", "max_retries": 0, "priority": 5000}
local = Endpoint.objects.create(key="local", name="Local", **own)
Offer.objects.create(endpoint=local, model="local-tools", capabilities=["chat", "tools"])
set_secret(local, "sk-local-0123456789", by=None)
release_catalogue(by=None)
"""
TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
TOOLS: Any = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
QUESTION: Any = [{"role": "user", "content": "Say hello"}]
PRODUCT = "A blue mug, 300 ml"


class Installation(Site):
    """A site whose models may be on this machine."""

    def environment(self) -> dict[str, str]:
        return super().environment() | {"PAIBAN_OUTBOUND_ALLOWED_HOSTS": "127.0.0.1"}


class Upstream:
    """A model server in the background loop."""

    def __init__(self) -> None:
        self.model = ModelServer()
        self._running: AbstractAsyncContextManager[str] = self.model.running()
        self.url = aio.run(self._running.__aenter__(), timeout=20)

    def calls_a_tool(self, *, stream: bool) -> None:
        choice = {"index": 0, "finish_reason": "tool_calls"}
        if stream:
            pieces = {"tool_calls": [{"index": 0, **TOOL_CALL}]}
            self.model.body = [event(choices=[{**choice, "delta": pieces}]), USAGE, DONE]
            return
        message = {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]}
        answer = {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": "local-tools",
            "choices": [{**choice, "message": message}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
        }
        self.model.body = json.dumps(answer).encode()

    def close(self) -> None:
        aio.run(self._running.__aexit__(None, None, None), timeout=20)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    started = Upstream()
    yield started
    started.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[str]:
    """Where a whole installation answers: web, worker, dispatcher, database and Redis of its own."""
    site = Installation(tmp_path_factory.mktemp("sdks"))
    try:
        site.manage("shell", "-c", CONTENT.replace("{url}", upstream.url).replace("{busy}", str(BUSY)))
        started = site.start_web()
        site.start_workers()
        yield started
    finally:
        site.close()


@pytest.fixture(scope="module")
def signed_in(address: str) -> str:
    body = {"username": "member", "password": PASSWORD}
    return str(httpx.post(f"{address}/api/v1/auth/login", json=body, timeout=60).raise_for_status().json()["access"])


@pytest.fixture(scope="module", params=["access token", "API key"])
def token(request: pytest.FixtureRequest, address: str, signed_in: str) -> str:
    """What the SDKs are given as their key."""
    return signed_in if request.param == "access token" else make_key(address, signed_in)["key"]


def make_key(address: str, signed_in: str, **scopes: Any) -> Any:
    """A key, as its owner makes one; `{id, key, prefix}`."""
    body = {"name": "shop", "scopes": {"features": None, "models": None, "ips": [], "admin": False} | scopes}
    headers = {"Authorization": f"Bearer {signed_in}"}
    return httpx.post(f"{address}/api/v1/api-keys", json=body, headers=headers, timeout=60).raise_for_status().json()


@pytest.fixture
def client(address: str, token: str) -> OpenAI:
    return OpenAI(base_url=f"{address}/v1", api_key=token, max_retries=0, timeout=120)


# --- OpenAI, Python ---------------------------------------------------------------------------


def test_openai__chat__answers_and_counts(client):
    answer = client.chat.completions.create(model="mock-chat", messages=QUESTION)

    assert answer.choices[0].message.content.startswith("**Sample answer**")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def test_openai__stream__ends_with_the_counts(client):
    options: Any = {"include_usage": True}

    chunks = list(
        client.chat.completions.create(model="mock-chat", messages=QUESTION, stream=True, stream_options=options)
    )

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text.startswith("**Sample answer**")
    assert chunks[-1].usage.completion_tokens > 0
    assert len(chunks) > 10


@pytest.mark.parametrize("stream", [False, True])
def test_openai__tools__are_called(client, upstream, stream):
    upstream.calls_a_tool(stream=stream)

    answer = client.chat.completions.create(model="local-tools", messages=QUESTION, tools=TOOLS, stream=stream)

    pieces = [chunk.choices[0].delta for chunk in answer if chunk.choices] if stream else [answer.choices[0].message]
    call = next(piece.tool_calls[0] for piece in pieces if piece.tool_calls)
    assert (call.id, call.function.name, json.loads(call.function.arguments)) == ("call_1", "weather", {"city": "Oslo"})
    assert upstream.model.asked[-1]["body"]["tools"] == TOOLS


def test_openai__embeddings__are_vectors(client):
    answer = client.embeddings.create(model="mock-embedding", input=["one", "two"])

    assert [len(row.embedding) for row in answer.data] == [64, 64]
    assert sum(value * value for value in answer.data[0].embedding) == pytest.approx(1.0, abs=1e-3)


def test_openai__models__are_listed_with_features(client):
    names = [model.id for model in client.models.list()]

    assert {"mock-chat", "mock-embedding", "feature:copywriter", "feature:copywriter@1"} <= set(names)
    assert client.models.retrieve("feature:copywriter").id == "feature:copywriter"


@pytest.mark.parametrize(
    ("asked", "kind", "code"),
    [
        ({"model": "none"}, openai.NotFoundError, "model_not_found"),
        ({"model": "feature:none"}, openai.NotFoundError, "model_not_found"),
        ({"model": "mock-chat", "temperature": 9}, openai.BadRequestError, "E_REQUEST_INVALID"),
        ({"model": BUSY}, openai.RateLimitError, "E_UPSTREAM_BUSY"),
        (
            {"model": "feature:copywriter", "messages": [{"role": "user", "content": "x"}]},
            openai.UnprocessableEntityError,
            "E_INPUT_INVALID",
        ),
    ],
)
def test_openai__refused__raises_what_its_users_catch(client, asked, kind, code):
    given = {"messages": QUESTION} | asked
    if given["model"] is BUSY:
        given["model"] = BUSY.pop()

    with pytest.raises(kind) as refused:
        client.chat.completions.create(**given)

    assert refused.value.code == code


def test_openai__wrong_key__is_told(address):
    stranger = OpenAI(base_url=f"{address}/v1", api_key="pk-wrong", max_retries=0)

    with pytest.raises(openai.AuthenticationError):
        stranger.models.list()


def test_openai__feature__runs_as_a_task(client, address, token):
    raw = client.chat.completions.with_raw_response.create(
        model="feature:copywriter", messages=[{"role": "user", "content": PRODUCT}]
    )

    answer = raw.parse()
    task = _task(address, token, raw.headers["x-paiban-task"])
    assert answer.choices[0].message.content == task["output"]["text"] != ""
    assert (task["feature"], task["status"], task["input"]) == (
        "copywriter",
        "succeeded",
        {"product": PRODUCT, "tone": "friendly"},
    )


def test_openai__feature_streamed__tells_words_and_steps(client, address, token):
    with client.chat.completions.with_streaming_response.create(
        model="feature:copywriter@1",
        messages=[{"role": "user", "content": "see input"}],
        extra_body={"input": {"product": PRODUCT, "tone": "factual"}},
        stream=True,
    ) as raw:
        task_id, chunks = raw.headers["x-paiban-task"], list(raw.parse())

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    told = [chunk.paiban["type"] for chunk in chunks if getattr(chunk, "paiban", None)]
    assert text == _task(address, token, task_id)["output"]["text"] != ""
    assert told[0] == "queued"
    assert told[-1] == "succeeded"
    assert "step" in told


def _task(address: str, token: str, task_id: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    return cast("dict[str, Any]", httpx.get(f"{address}/api/v1/tasks/{task_id}", headers=headers, timeout=60).json())


# --- OpenAI, Node -----------------------------------------------------------------------------


def _in_node(address: str, token: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["node", SCRIPT],
        cwd=Path(settings.BASE_DIR) / "frontend",
        env=find_node(folder / "node.log").env
        | {"PAIBAN_URL": f"{address}/v1", "PAIBAN_TOKEN": token, "PAIBAN_BUSY": BUSY.pop()},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_openai_for_node__speaks_to_us(address, token, upstream, tmp_path):
    upstream.calls_a_tool(stream=False)

    done = _in_node(address, token, tmp_path)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["chat"].startswith("**Sample answer**")
    assert told["streamed"] == told["chat"]
    assert told["usage"] > 0
    assert told["tool"] == {"name": "weather", "arguments": '{"city": "Oslo"}'}
    assert told["vectors"] == [64, 64]
    assert {"mock-chat", "feature:copywriter"} <= set(told["models"])
    assert told["errors"] == ["AuthenticationError", "NotFoundError", "BadRequestError", "RateLimitError"]
    assert told["feature"].startswith("**Sample answer**")
    assert told["featureStreamed"].startswith("**Sample answer**")
    assert told["events"][0] == "queued"
    assert told["events"][-1] == "succeeded"


# --- MCP --------------------------------------------------------------------------------------


async def _with_tools(address: str, token: str, mode: Any, work: Any) -> Any:
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=120) as web:
        transport = streamable_http_client(f"{address}/mcp", http_client=web)
        async with Client(transport, mode=mode) as client:
            return await work(client)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_mcp__list_and_call__with_progress(address, token, mode):
    heard: list[float] = []

    async def progress(done: float, _total: float | None, _message: str | None) -> None:
        heard.append(done)

    async def work(client: Any) -> Any:
        listed = await client.list_tools()
        called = await client.call_tool("copywriter", {"product": PRODUCT}, progress_callback=progress)
        return client.protocol_version, listed.tools, called

    version, tools, called = asyncio.run(_with_tools(address, token, mode, work))

    assert version == ("2026-07-28" if mode == "auto" else "2025-11-25")
    assert [tool.name for tool in tools] == sorted(tool.name for tool in tools)
    copywriter = next(tool for tool in tools if tool.name == "copywriter")
    assert copywriter.input_schema["required"] == ["product"]
    assert not called.is_error
    assert called.structured_content["text"] == called.content[0].text
    assert heard == sorted(set(heard))
    assert heard


def test_mcp__bad_input__is_a_result_that_says_what(address, token):
    async def work(client: Any) -> Any:
        return await client.call_tool("copywriter", {"product": "x", "tone": "rude"})

    called = asyncio.run(_with_tools(address, token, "auto", work))

    assert called.is_error
    assert "/product: " in called.content[0].text
    assert "/tone: " in called.content[0].text


def test_mcp__wrong_key__is_refused(address):
    async def work(client: Any) -> Any:
        return await client.list_tools()

    answer = httpx.post(f"{address}/mcp", json={}, headers={"Authorization": "Bearer pk-wrong"}, timeout=60)
    with pytest.raises((ExceptionGroup, MCPError, httpx2.HTTPError)) as refused:
        asyncio.run(_with_tools(address, "pk-wrong", "legacy", work))

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert _leaf(refused.value)


def _leaf(error: BaseException) -> str:
    """The words of the innermost error of a group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)


# --- keys -------------------------------------------------------------------------------------


def _openai(address: str, key: str) -> OpenAI:
    return OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0, timeout=120)


def test_keys__for_one_model_and_one_feature__see_and_get_no_other(address, signed_in):
    key = make_key(address, signed_in, features=["copywriter"], models=["mock-chat"])["key"]
    client = _openai(address, key)

    names = {model.id for model in client.models.list()}
    answer = client.chat.completions.create(model="mock-chat", messages=QUESTION)

    assert names == {"mock-chat", "feature:copywriter", "feature:copywriter@1"}
    assert answer.choices[0].message.content
    for model in ("local-tools", BUSY[0], "feature:product-photo"):
        with pytest.raises(openai.NotFoundError) as refused:
            client.chat.completions.create(model=model, messages=QUESTION)
        assert refused.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="mock-embedding", input="one")


def test_keys__for_one_feature__have_one_tool(address, signed_in):
    key = make_key(address, signed_in, features=["copywriter"])["key"]

    async def work(client: Any) -> Any:
        listed = await client.list_tools()
        called = await client.call_tool("copywriter", {"product": PRODUCT})
        with pytest.raises(MCPError):
            await client.call_tool("product-photo", {})
        return [tool.name for tool in listed.tools], called

    names, called = asyncio.run(_with_tools(address, key, "auto", work))

    assert (names, called.is_error) == (["copywriter"], False)


def test_keys__for_no_model__are_told_so_by_nothing_in_the_list(address, signed_in):
    key = make_key(address, signed_in, features=[], models=[])["key"]

    assert list(_openai(address, key).models.list()) == []


def test_keys__revoked__are_refused_by_every_sdk(address, signed_in, tmp_path):
    made = make_key(address, signed_in)
    client, headers = _openai(address, made["key"]), {"Authorization": f"Bearer {signed_in}"}
    assert client.chat.completions.create(model="mock-chat", messages=QUESTION).choices

    httpx.post(f"{address}/api/v1/api-keys/{made['id']}/revoke", headers=headers, timeout=60).raise_for_status()
    wait_until(lambda: _is_refused(client), seconds=30, what="the revoked key is refused")

    in_node = _in_node(address, made["key"], tmp_path)
    with pytest.raises((ExceptionGroup, MCPError, httpx2.HTTPError)):
        asyncio.run(_with_tools(address, made["key"], "legacy", _listed))
    assert (in_node.returncode, "AuthenticationError" in in_node.stderr) == (1, True)
    assert _openai(address, signed_in).models.list().data  # its owner still may


async def _listed(client: Any) -> Any:
    return await client.list_tools()


def _is_refused(client: OpenAI) -> bool:
    """Other processes hear of it within moments."""
    try:
        client.models.list()
    except openai.AuthenticationError:
        return True
    return False
