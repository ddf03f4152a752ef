"""`/v1/*`: OpenAI's API for its unmodified SDKs."""

import base64
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.utils.translation import gettext
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from apps.core.errors import InvalidRequest
from apps.core.lane.body import read_json
from apps.core.lane.identity import Principal
from apps.core.request_id import get_request_id
from apps.core.tokens import estimate_tokens
from apps.providers.catalogue import aevery_model
from apps.providers.errors import NoRoute
from apps.providers.faces.callers import caller_of, check_model
from apps.providers.faces.chat_body import named_model
from apps.providers.faces.openai_chat import LARGEST, Whole, trail_headers
from apps.providers.gateway import passing, virtual
from apps.providers.gateway.asking import Ask
from apps.providers.gateway.calls import call
from apps.providers.gateway.virtual import ModelCard
from apps.providers.handlers import handlers
from apps.providers.handlers.openai import usage_of
from apps.providers.types import Candidate, Embeddings, Usage

MOST_TEXTS = 2048


async def models(request: Request) -> Response:
    """Every model that the caller may ask for, features among them."""
    return _json({"object": "list", "data": [_card(card) for card in await cards(request.state.principal)]})


async def model(request: Request) -> Response:
    """One of them, or one that an app above answers without listing it, such as an earlier version of a feature."""
    wanted, principal = request.path_params["name"], request.state.principal
    for card in await cards(principal):
        if card.id == wanted:
            return _json(_card(card))
    if (models := virtual.answering(wanted)) and (found := await models.card(wanted, principal)):
        return _json(_card(found))
    raise NoRoute(capability=wanted)


async def cards(principal: Principal) -> list[ModelCard]:
    """The catalogue's models, each name once, then those of the apps above."""
    names = dict.fromkeys(candidate.model for candidate in await aevery_model())
    allowed = [n for n in sorted(names) if principal.key is None or principal.key.allows_model(n)]
    found = [ModelCard(name, 0, "paiban") for name in allowed]
    for models in virtual.registered():
        found += await models.cards(principal)
    return found


async def embeddings(request: Request) -> Response:
    """Vectors of one text or many, as numbers or as OpenAI's base64 of little-endian floats."""
    body = await read_json(request, largest=LARGEST)
    texts = texts_of(body)
    name, principal = named_model(body), request.state.principal
    check_model(principal, name)
    tokens_in = sum(map(estimate_tokens, texts))
    ask = Ask("embedding", name, caller=await caller_of(principal), operation="embedding")

    async def begin(candidate: Candidate, secret: str | None) -> Whole | Embeddings:
        handler = handlers()[candidate.handler_key]
        post = getattr(handler, "post", None)
        if post is None:
            return await handler.embed(texts, candidate, secret)
        sent = passing.body_for(candidate, body, stream=False)
        raw = await post("embeddings", sent, candidate, secret, stream=False, key=get_request_id())
        return Whole(*await passing.whole(raw, candidate, secret, member="data"))

    opened = await call(ask, begin, tokens_in=tokens_in, limit=1, stream=False)
    if isinstance(opened.got, Whole):
        counted = usage_of(opened.got.answer.get("usage"))
        told = opened.got.body
    else:
        counted = opened.got.usage
        told = _vectors(opened.got, name, as_text=body.get("encoding_format") == "base64")
    usage = Usage(tokens_in if counted.input_tokens is None else counted.input_tokens, 0)
    settle = BackgroundTask(opened.meter.close, opened.permit, usage)
    return Response(told, media_type="application/json", headers=trail_headers(opened), background=settle)


def texts_of(body: Any) -> list[str]:
    given = body.get("input") if isinstance(body, dict) else None
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        words = gettext("This has to be a text, or a list of texts, none of them empty.")
        raise InvalidRequest(details={"errors": [{"pointer": "/input", "code": "invalid", "message": words}]})
    if len(texts) > MOST_TEXTS:
        words = gettext("These are more texts than are accepted at once.")
        raise InvalidRequest(details={"errors": [{"pointer": "/input", "code": "invalid", "message": words}]})
    return texts


def _vectors(found: Embeddings, name: str, *, as_text: bool) -> bytes:
    rows = [
        {"object": "embedding", "index": index, "embedding": _packed(vector) if as_text else vector}
        for index, vector in enumerate(found.vectors)
    ]
    tokens = found.usage.input_tokens or 0
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return msgspec.json.encode({"object": "list", "data": rows, "model": name, "usage": usage})


def _packed(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _card(card: ModelCard) -> Mapping[str, Any]:
    return {"id": card.id, "object": "model", "created": card.created, "owned_by": card.owned_by}


def _json(content: Any) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
