"""What the views of this API read from a request."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from apps.core.errors import InvalidRequest

IF_MATCH = OpenApiParameter("If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True)


def fields_of(request: Request, form: BaseSerializer[Any]) -> dict[str, Any]:
    """The valid fields. Raises `InvalidRequest` for a field that is not known, such as a command."""
    if not isinstance(request.data, dict):
        raise InvalidRequest()
    form.is_valid(raise_exception=True)
    known = {name for name, field in form.fields.items() if not field.read_only}  # type: ignore[attr-defined]  # of a Serializer
    if unknown := sorted(set(request.data) - known):
        errors = [{"pointer": f"/{name}", "code": "unknown", "message": name} for name in unknown]
        raise InvalidRequest(details={"errors": errors})
    return dict(form.validated_data)


def expected_revision(request: Request) -> int:
    """The revision in `If-Match`. Raises `InvalidRequest`."""
    tag = request.headers.get("If-Match", "").strip().strip('"')
    if not (tag.isascii() and tag.isdigit() and len(tag) < 19):
        words = "Send If-Match with the revision you read."
        raise InvalidRequest(details={"errors": [{"pointer": "", "code": "if_match", "message": words}]})
    return int(tag)
