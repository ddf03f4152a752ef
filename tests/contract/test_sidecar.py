"""A BuildingAI server as a sidecar: chats go through it while it is there, and to the models themselves when not."""

import pytest
from asgiref.sync import async_to_sync

from apps.core.config import reader
from apps.providers import gateway
from apps.providers.gateway import Ask
from apps.providers.models import Endpoint
from apps.providers.services import set_secret
from apps.providers.types import Answer
from ops.processes import free_port
from tests.contract.asking import make_chat
from tests.contract.wires import BUILDINGAI, USAGE
from tests.features.builders import make_model
from tests.providers.builders import KEY, ModelServer

pytestmark = pytest.mark.django_db


def ask(server: ModelServer) -> Answer:
    """One chat; the sidecar is asked first, a model of our own second."""

    async def work(port: int) -> Answer:
        async with server.running(port=port):
            return await gateway.chat(make_chat(), Ask(capability="chat"))

    port = free_port()
    make_model("sidecar", handler_key="buildingai", base_url=f"http://127.0.0.1:{port}/v1", priority=1, max_retries=0)
    make_model("direct", priority=2)
    set_secret(Endpoint.objects.get(key="sidecar"), KEY, by=None)
    reader.reset()
    return async_to_sync(work)(port)


def test_chat__sidecar_is_there__answers():
    server = ModelServer()
    server.body = BUILDINGAI.answer(stream=True)

    answer = ask(server)

    assert (answer.text, answer.endpoint, answer.mock) == ("Hello world", "sidecar", False)
    assert (answer.usage, answer.attempts) == (USAGE, ())


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (503, b'{"code": 50001, "message": "down"}', "PROVIDERS_5001"),
        (401, b'{"code": 40200, "message": "no"}', "PROVIDERS_5005"),
        (200, b'{"code": 40700, "message": "busy"}', "PROVIDERS_5003"),
        (200, b"<html>", "PROVIDERS_5001"),
    ],
)
def test_chat__sidecar_is_down__direct_model_answers(status, body, code):
    server = ModelServer()
    server.status, server.body = status, body

    answer = ask(server)

    assert (answer.endpoint, answer.mock) == ("direct", True)
    assert [(tried["endpoint"], tried["error"]) for tried in answer.attempts] == [("sidecar", code)]
