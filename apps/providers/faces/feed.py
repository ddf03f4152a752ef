"""`GET /api/v1/ui/models`: what a selector of models shows. No address and no endpoint's name is in it."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from apps.core.lane.app import HotRoute
from apps.core.lane.conditional import is_any, tags_of
from apps.core.lane.identity import Principal
from apps.providers.catalogue import aevery_model
from apps.providers.types import Candidate

COMPONENTS: dict[str, Any] = {
    "UiModels": {
        "type": "object",
        "required": ["items"],
        "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/UiModel"}}},
    },
    "UiModel": {
        "type": "object",
        "required": ["model", "capabilities", "context_window", "max_output", "quality", "prices", "endpoints", "mock"],
        "properties": {
            "model": {"type": "string"},
            "capabilities": {"type": "array", "items": {"type": "string"}},
            "context_window": {"type": "integer"},
            "max_output": {"type": "integer", "description": "0: what the model service allows."},
            "quality": {"type": "integer"},
            "prices": {
                "type": "object",
                "description": "In micro-credits, of the endpoint that is asked first: tokens by the million, images "
                "and calls each; null is unknown.",
                "additionalProperties": {"type": "integer", "nullable": True},
            },
            "endpoints": {"type": "integer", "description": "How many enabled endpoints serve it."},
            "mock": {"type": "boolean", "description": "Only the built-in mock serves it."},
        },
    },
}


def _items(found: Sequence[Candidate]) -> list[dict[str, Any]]:
    """One for each model, as its first endpoint offers it; capabilities are what any endpoint of it can."""
    items: dict[str, dict[str, Any]] = {}
    for candidate in found:
        item = items.setdefault(candidate.model, _item(candidate))
        item["endpoints"] += 1
        item["mock"] = item["mock"] and candidate.handler_key == "mock"
        item["capabilities"] = sorted({*item["capabilities"], *candidate.capabilities})
    return [items[name] for name in sorted(items)]


def _item(candidate: Candidate) -> dict[str, Any]:
    return {
        "model": candidate.model,
        "capabilities": [],
        "context_window": candidate.context_window,
        "max_output": candidate.max_output,
        "quality": candidate.quality,
        "prices": asdict(candidate.prices),
        "endpoints": 0,
        "mock": True,
    }


def _allowed(principal: Principal, found: Sequence[Candidate]) -> list[Candidate]:
    key = principal.key
    return [c for c in found if key is None or key.allows_model(c.model)]


async def models(request: Request) -> Response:
    """304 when the caller has the answer."""
    found = _allowed(request.state.principal, await aevery_model())
    if capability := request.query_params.get("capability"):
        found = [candidate for candidate in found if capability in candidate.capabilities]
    body = msgspec.json.encode({"items": _items(found)})
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    asked = request.headers.get("if-none-match", "")
    if asked and (is_any(asked) or tag in tags_of(asked)):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


ROUTE = HotRoute(
    "/api/v1/ui/models",
    models,
    access="user",
    components=COMPONENTS,
    operation={
        "operationId": "ui_models",
        "summary": "The models that can be asked",
        "tags": ["ui"],
        "parameters": [
            {"in": "query", "name": "capability", "schema": {"type": "string"}, "description": "Only models with it."}
        ],
        "responses": {
            "200": {
                "description": "The models, by name",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/UiModels"}}},
            },
            "304": {"description": "Unchanged"},
        },
    },
)
