"""`/api/v1/admin/providers`, `/{key}` and `/{key}/secret`."""

from typing import Any

from django.db.models import Q, QuerySet
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.errors import Forbidden, InvalidRequest
from apps.core.paging import DEFAULT_SIZE, paginate_by_number
from apps.core.permissions import HasPermission, allows, log_denied
from apps.providers import services
from apps.providers.api.serializers import (
    EndpointListSerializer,
    EndpointSerializer,
    NewEndpointSerializer,
    SecretSerializer,
)
from apps.providers.models import PRICES, Endpoint

WRITE_KEYS = "secrets:write"
MayListOrCreate = HasPermission.of(read="providers:read", write="providers:create")
MayWriteKeys = HasPermission.of(read=WRITE_KEYS, write=WRITE_KEYS)
IF_MATCH = OpenApiParameter("If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True)
STALE = (
    "412 `CORE_2007` when it was changed since the revision in `If-Match`: `details.revision` is today's, "
    "`details.changes` what changed, `details.edits` who saved and when."
)


class ReadEditOrDelete(HasPermission.of(read="providers:read", write="providers:write")):  # type: ignore[misc]  # made by `of`
    """Reads, changes, and deletes with the right to delete."""

    @classmethod
    def needed(cls, method: str | None) -> str:
        right: str = "providers:delete" if method == "DELETE" else super().needed(method)
        return right


def _rendered(endpoint: Endpoint, *, status: int = 200) -> Response:
    return Response(EndpointSerializer(endpoint).data, status=status, headers={"ETag": f'"{endpoint.revision}"'})


def object_of(request: Request) -> dict[str, Any]:
    """The body. Raises `InvalidRequest` when it is no object."""
    if not isinstance(request.data, dict):
        raise InvalidRequest()
    return request.data


def invalid(pointer: str, code: str, words: str) -> InvalidRequest:
    """An error that names one place of the request."""
    return InvalidRequest(details={"errors": [{"pointer": pointer, "code": code, "message": words}]})


def _given(request: Request, form: Any) -> dict[str, Any]:
    """The valid fields by the model's names. Raises `InvalidRequest` for unknown ones, `Forbidden` for a key."""
    unknown = sorted(set(object_of(request)) - {name for name, field in form.fields.items() if not field.read_only})
    if unknown:
        errors = [{"pointer": f"/{name}", "code": "unknown", "message": name} for name in unknown]
        raise InvalidRequest(details={"errors": errors})
    form.is_valid(raise_exception=True)
    if "secret" in form.validated_data and not allows(request.user, WRITE_KEYS):
        log_denied(request, [WRITE_KEYS])
        raise Forbidden()
    return dict(form.validated_data)


def _split(fields: dict[str, Any]) -> dict[str, Any]:
    """As the services take them."""
    offers, secret = fields.pop("offers", None), fields.pop("secret", "")
    return {"offers": None if offers is None else [_flat(offer) for offer in offers], "secret": secret}


def _flat(offer: dict[str, Any]) -> dict[str, Any]:
    prices = offer.pop("prices", {})
    return {**offer, **{f"price_{name}": prices[name] for name in PRICES if name in prices}}


def _expected(request: Request) -> int:
    tag = request.headers.get("If-Match", "").strip().strip('"')
    if not (tag.isascii() and tag.isdigit() and len(tag) < 10):
        raise invalid("", "if_match", "Send If-Match with the revision you read.")
    return int(tag)


def _filtered(request: Request) -> QuerySet[Endpoint]:
    """The rows that the query asks for. Raises `InvalidRequest` for a value that is none."""
    asked, rows = request.query_params, Endpoint.objects.for_list()
    if enabled := asked.get("enabled"):
        if enabled not in ("true", "false"):
            raise invalid("/enabled", "choice", "true, false")
        rows = rows.filter(enabled=enabled == "true")
    if kind := asked.get("kind"):
        if kind not in Endpoint.Kind.values:
            raise invalid("/kind", "choice", ", ".join(Endpoint.Kind.values))
        rows = rows.filter(kind=kind)
    if handler := asked.get("handler"):
        rows = rows.filter(handler_key=handler)
    if words := asked.get("q", "").strip():
        rows = rows.filter(Q(key__icontains=words) | Q(name__icontains=words) | Q(offers__model__icontains=words))
        rows = rows.distinct()
    return rows


def _size(request: Request) -> int:
    asked = request.query_params.get("limit", "")
    return max(1, min(int(asked), 100)) if asked.isascii() and asked.isdigit() and len(asked) < 6 else DEFAULT_SIZE


class EndpointListView(APIView):
    """Every endpoint, newest first, and new ones."""

    permission_classes = [MayListOrCreate]

    @extend_schema(
        operation_id="admin_providers_list",
        tags=["admin"],
        parameters=[
            OpenApiParameter("enabled", OpenApiTypes.BOOL),
            OpenApiParameter("handler", OpenApiTypes.STR),
            OpenApiParameter("kind", OpenApiTypes.STR, enum=Endpoint.Kind.values),
            OpenApiParameter("q", OpenApiTypes.STR, description="Part of a key, a name or a model."),
            OpenApiParameter("cursor", OpenApiTypes.STR, description="`next` of the page before."),
            OpenApiParameter("limit", OpenApiTypes.INT, description="1 to 100; 20 when not said."),
        ],
        responses=EndpointListSerializer,
    )
    def get(self, request: Request) -> Response:
        cursor = request.query_params.get("cursor")
        page = paginate_by_number(_filtered(request), field="id", cursor=cursor, size=_size(request))
        return Response({"items": [EndpointSerializer(row).data for row in page.items], "next": page.next})

    @extend_schema(
        operation_id="admin_providers_create",
        tags=["admin"],
        request=NewEndpointSerializer,
        responses={201: EndpointSerializer},
        description="409 `PROVIDERS_2010` when the key is taken.",
    )
    def post(self, request: Request) -> Response:
        fields = _given(request, NewEndpointSerializer(data=object_of(request)))
        split = _split(fields)
        split["offers"] = split["offers"] or []
        return _rendered(services.create_endpoint(fields.pop("key"), fields, by=request.user, **split), status=201)


class EndpointView(APIView):
    """One endpoint; changes and deletion need the revision that was read, in `If-Match`."""

    permission_classes = [ReadEditOrDelete]

    @extend_schema(operation_id="admin_providers_read", tags=["admin"], responses=EndpointSerializer)
    def get(self, request: Request, key: str) -> Response:
        return _rendered(services.endpoint_of(key))

    @extend_schema(
        operation_id="admin_providers_update",
        tags=["admin"],
        parameters=[IF_MATCH],
        request=EndpointSerializer(partial=True),
        responses=EndpointSerializer,
        description=STALE + " 422 `PROVIDERS_2011` when the address changes without its key, 409 `CORE_2021` when a "
        "feature would be left without a model.",
    )
    def patch(self, request: Request, key: str) -> Response:
        fields = _given(request, EndpointSerializer(data=object_of(request), partial=True))
        split = _split(fields)
        expected = _expected(request)
        return _rendered(services.update_endpoint(key, fields, expected_revision=expected, by=request.user, **split))

    @extend_schema(
        operation_id="admin_providers_delete",
        tags=["admin"],
        parameters=[IF_MATCH],
        responses={204: None},
        description=STALE + " 409 `CORE_2021` when users, listed in `details.uses`, would be left without a model.",
    )
    def delete(self, request: Request, key: str) -> Response:
        services.delete_endpoint(key, expected_revision=_expected(request), by=request.user)
        return Response(status=204)


class SecretView(APIView):
    """The key of an endpoint: it goes in, and only its last four characters come out."""

    permission_classes = [MayWriteKeys]

    @extend_schema(
        operation_id="admin_providers_secret", tags=["admin"], request=SecretSerializer, responses=EndpointSerializer
    )
    def put(self, request: Request, key: str) -> Response:
        form = SecretSerializer(data=object_of(request))
        form.is_valid(raise_exception=True)
        services.set_secret(services.endpoint_of(key), form.validated_data["secret"], by=request.user)
        return _rendered(services.endpoint_of(key))


urlpatterns = [
    path("providers", EndpointListView.as_view()),
    path("providers/<slug:key>", EndpointView.as_view()),
    path("providers/<slug:key>/secret", SecretView.as_view()),
]
