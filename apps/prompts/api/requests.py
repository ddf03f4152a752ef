"""What the views read of a request: its object, its fields, and the revision it was made for."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from apps.core.errors import InvalidRequest

IF_MATCH = OpenApiParameter("If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True)
IF_MATCH_OPTIONAL = OpenApiParameter("If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER)
IF_NONE_MATCH = OpenApiParameter("If-None-Match", OpenApiTypes.STR, OpenApiParameter.HEADER)
CURSOR = OpenApiParameter("cursor", OpenApiTypes.STR, description="`next` of the page before.")
STALE = "412 `CORE_2007` when it was changed since the revision in `If-Match`: `details.revision` is today's."


def object_of(request: Request) -> dict[str, Any]:
    """The body. Raises `InvalidRequest` when it is no object."""
    if not isinstance(request.data, dict):
        raise InvalidRequest()
    return request.data


def fields_of(request: Request, form: Any) -> dict[str, Any]:
    """The valid fields, and the unknown ones for the service to refuse by name."""
    form.is_valid(raise_exception=True)
    unknown = set(object_of(request)) - set(form.validated_data)
    return {**form.validated_data, **dict.fromkeys(unknown)}


def expected_revision(request: Request) -> int:
    """The revision in `If-Match`. Raises `InvalidRequest` without one."""
    tag = request.headers.get("If-Match", "").strip().strip('"')
    if not (tag.isascii() and tag.isdigit() and len(tag) < 10):
        refuse("", "if_match", "Send If-Match with the revision you read.")
    return int(tag)


def expected_revision_if_any(request: Request) -> int | None:
    """The same, or None without the header."""
    return expected_revision(request) if "If-Match" in request.headers else None


def refuse(pointer: str, code: str, message: str) -> None:
    """Raises `InvalidRequest` for one field."""
    raise InvalidRequest(details={"errors": [{"pointer": pointer, "code": code, "message": message}]})
