"""One OpenAPI document for both lanes."""

import re
from typing import Any

from apps.core.lane.app import routes

_PATH_TYPE = re.compile(r":\w+}")
_ERROR = {
    "type": "object",
    "required": ["code", "reason", "message", "requestId", "retryable"],
    "properties": {
        "code": {"type": "string", "example": "TASKS_2002"},
        "reason": {"type": "string", "example": "E_INPUT_INVALID"},
        "message": {"type": "string"},
        "requestId": {"type": "string"},
        "retryable": {"type": "boolean"},
        "details": {"type": "object", "additionalProperties": True},
    },
}
_REFUSED = {
    "description": "An error in the one shape.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}


def add_hot_lane(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular post-processing hook: the hot lane's routes and the one error response."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Error"] = _ERROR
    for route in routes:
        if route.documented:
            components["schemas"].update(route.components)
            for method in route.methods:
                result["paths"].setdefault(_PATH_TYPE.sub("}", route.path), {})[method.lower()] = _operation(route)
    for operations in result["paths"].values():
        for operation in operations.values():
            operation.setdefault("responses", {}).setdefault("default", _REFUSED)
    result["paths"] = dict(sorted(result["paths"].items()))
    return result


def _operation(route: Any) -> dict[str, Any]:
    parameters = [
        {"in": "path", "name": name, "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)(?::\w+)?}", route.path)
    ]
    operation = {
        "security": [{"bearer": []}, {}] if route.access == "public" else [{"bearer": []}],
        **route.operation,
    }
    if parameters:
        operation["parameters"] = parameters + list(operation.get("parameters", []))
    return operation
