"""What the gateway takes and answers, for the OpenAPI document."""

from typing import Any

_TEXT, _COUNT, _FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
_OPEN = {"type": "object", "additionalProperties": True}
_STRATEGY = {
    "type": "string",
    "enum": ["priority", "prefer_quality", "prefer_latency", "weighted", "cheapest"],
    "default": "priority",
}
_COMMON = {
    "model": {"type": "string", "description": "A model's name, or feature:<key> on /v1. Required on /v1."},
    "stream": {"type": "boolean", "default": False},
    "temperature": {"type": "number", "minimum": 0, "maximum": 2},
    "max_tokens": {"type": "integer", "minimum": 1},
    "strategy": _STRATEGY,
}
_WHO = {
    "requestId": _TEXT,
    "model_used": _TEXT,
    "endpoint": _TEXT,
    "attempts": {"type": "array", "items": _OPEN, "description": "Who was asked before and failed, and how."},
    "degraded": _FLAG,
    "mock": _FLAG,
    "usage": {
        "type": "object",
        "properties": {
            "input_tokens": _COUNT,
            "output_tokens": _COUNT,
            "cached_tokens": _COUNT,
            "estimated": _FLAG,
            "cost": {"type": "integer", "nullable": True, "description": "In millionths of a credit."},
        },
    },
}

COMPONENTS: dict[str, Any] = {
    "ChatBody": {
        "type": "object",
        "required": ["messages"],
        "properties": {
            "messages": {"type": "array", "minItems": 1, "items": _OPEN},
            "tools": {"type": "array", "items": _OPEN},
            "response_format": _OPEN,
            **_COMMON,
        },
        "additionalProperties": True,
    },
    "PromptBody": {
        "type": "object",
        "required": ["prompt"],
        "properties": {"prompt": _TEXT, "system": _TEXT, **_COMMON},
        "additionalProperties": True,
    },
    "EmbedBody": {
        "type": "object",
        "required": ["input"],
        "properties": {
            "input": {"oneOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]},
            "model": _TEXT,
            "encoding_format": {"type": "string", "enum": ["float", "base64"]},
        },
        "additionalProperties": True,
    },
    "AiAnswer": {
        "type": "object",
        "properties": {
            "text": _TEXT,
            "tool_calls": {"type": "array", "items": _OPEN},
            "finish_reason": _TEXT,
            **_WHO,
        },
    },
    "AiVectors": {
        "type": "object",
        "properties": {"vectors": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}, **_WHO},
    },
    "OpenAIAnswer": {**_OPEN, "description": "As OpenAI's API answers."},
}
