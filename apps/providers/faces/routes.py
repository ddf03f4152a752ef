"""The routes of both faces, with their OpenAPI."""

from typing import Any

from apps.core.lane.app import Endpoint, HotRoute
from apps.providers.faces import openai, openai_errors, unified
from apps.providers.faces.openai_chat import chat_completions
from apps.providers.faces.openai_completions import completions
from apps.providers.faces.schemas import COMPONENTS

_SSE = {"schema": {"type": "string", "description": "Server-sent events"}}


def _operation(name: str, summary: str, tag: str, given: str | None, answered: str, *, streams: bool) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{answered}"}}}
    if streams:
        content["text/event-stream"] = _SSE
    found: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "tags": [tag],
        "responses": {"200": {"description": "The answer", "content": content}},
    }
    if given:
        schema = {"$ref": f"#/components/schemas/{given}"}
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return found


def _openai(path: str, endpoint: Endpoint, operation: dict[str, Any], method: str = "POST") -> HotRoute:
    return HotRoute(
        path,
        endpoint,
        access="user",
        operation=operation,
        methods=(method,),
        components=COMPONENTS,
        refusal=openai_errors.refuse,
    )


def _unified(path: str, endpoint: Endpoint, operation: dict[str, Any]) -> HotRoute:
    return HotRoute(path, endpoint, access="user", operation=operation, methods=("POST",), components=COMPONENTS)


ROUTES = [
    _openai(
        "/v1/chat/completions",
        chat_completions,
        _operation("openai_chat", "Chat, like OpenAI", "openai", "ChatBody", "OpenAIAnswer", streams=True),
    ),
    _openai(
        "/v1/completions",
        completions,
        _operation("openai_complete", "Complete, like OpenAI", "openai", "PromptBody", "OpenAIAnswer", streams=True),
    ),
    _openai(
        "/v1/embeddings",
        openai.embeddings,
        _operation("openai_embed", "Embed, like OpenAI", "openai", "EmbedBody", "OpenAIAnswer", streams=False),
    ),
    _openai(
        "/v1/models",
        openai.models,
        _operation("openai_models", "Models, like OpenAI", "openai", None, "OpenAIAnswer", streams=False),
        "GET",
    ),
    _openai(
        "/v1/models/{name:path}",
        openai.model,
        _operation("openai_model", "One model, like OpenAI", "openai", None, "OpenAIAnswer", streams=False),
        "GET",
    ),
    _unified(
        "/api/v1/ai/chat",
        unified.chat,
        _operation("ai_chat", "Ask a model", "ai", "ChatBody", "AiAnswer", streams=True),
    ),
    _unified(
        "/api/v1/ai/completions",
        unified.completions,
        _operation("ai_complete", "Ask a model with one prompt", "ai", "PromptBody", "AiAnswer", streams=True),
    ),
    _unified(
        "/api/v1/ai/embeddings",
        unified.embeddings,
        _operation("ai_embed", "Vectors of texts", "ai", "EmbedBody", "AiVectors", streams=False),
    ),
]
