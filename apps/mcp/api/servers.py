"""`/api/v1/admin/mcp` and `/api/v1/admin/mcp/{key}`: tool servers."""

from typing import Any

from django.db.models import Q, QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.paging import paginate_by_number
from apps.mcp import services
from apps.mcp.api.permissions import MayListOrCreate, MayWrite, ReadWriteOrDelete
from apps.mcp.api.requests import IF_MATCH, expected_revision, fields_of
from apps.mcp.api.serializers import (
    NewServerSerializer,
    ProbeRequestSerializer,
    ProbeSerializer,
    ServerListSerializer,
    ServerQuerySerializer,
    ServerSerializer,
    ToolListSerializer,
    ToolSerializer,
)
from apps.mcp.models import Server

STALE = "412 `CORE_2007` when somebody changed it since the revision in `If-Match`: `details.revision` is today's."


def _rendered(server: Server, *, status: int = 200) -> Response:
    return Response(ServerSerializer(server).data, status=status, headers={"ETag": f'"{server.revision}"'})


class ServerListView(APIView):
    """All servers, the newest first, and new ones."""

    permission_classes = [MayListOrCreate]

    @extend_schema(
        operation_id="admin_mcp_list",
        tags=["admin"],
        parameters=[ServerQuerySerializer],
        responses=ServerListSerializer,
    )
    def get(self, request: Request) -> Response:
        query = ServerQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        given = query.validated_data
        page = paginate_by_number(_filtered(given), field="id", cursor=given["cursor"], size=given["size"])
        return Response({"items": ServerSerializer(page.items, many=True).data, "next": page.next})

    @extend_schema(
        operation_id="admin_mcp_create",
        tags=["admin"],
        request=NewServerSerializer,
        responses={201: ServerSerializer},
        description="409 `MCP_2005` when the key is taken, 403 `MCP_2007` for who may not enter tokens.",
    )
    def post(self, request: Request) -> Response:
        fields = fields_of(request, NewServerSerializer(data=request.data))
        token = fields.pop("token", None) or ""
        server = services.create_server(fields.pop("key"), fields, token=token, by=request.user)
        return _rendered(services.server(server.key), status=201)


def _filtered(given: dict[str, Any]) -> QuerySet[Server]:
    rows = Server.objects.select_related("secret")
    if transport := given.get("transport"):
        rows = rows.filter(transport=transport)
    if given["enabled"] is not None:
        rows = rows.filter(enabled=given["enabled"])
    if search := given["search"]:
        rows = rows.filter(Q(key__icontains=search) | Q(name__icontains=search))
    return rows


class ServerView(APIView):
    """One server; changes and deletion need the revision that was read, in `If-Match`."""

    permission_classes = [ReadWriteOrDelete]

    @extend_schema(operation_id="admin_mcp_read", tags=["admin"], responses=ServerSerializer)
    def get(self, request: Request, key: str) -> Response:
        return _rendered(services.server(key))

    @extend_schema(
        operation_id="admin_mcp_update",
        tags=["admin"],
        parameters=[IF_MATCH],
        request=ServerSerializer(partial=True),
        responses=ServerSerializer,
        description=STALE
        + " 422 `MCP_2006` when the address changes and no token is sent, 409 `CORE_2020` when features need it.",
    )
    def patch(self, request: Request, key: str) -> Response:
        form = ServerSerializer(services.server(key), data=request.data, partial=True)
        fields = fields_of(request, form)
        token = fields.pop("token", "")
        revision = expected_revision(request)
        return _rendered(services.update_server(key, fields, expected_revision=revision, token=token, by=request.user))

    @extend_schema(
        operation_id="admin_mcp_delete",
        tags=["admin"],
        parameters=[IF_MATCH],
        responses={204: None},
        description=STALE + " 409 `CORE_2020` when features need it.",
    )
    def delete(self, request: Request, key: str) -> Response:
        services.delete_server(key, expected_revision=expected_revision(request), by=request.user)
        return Response(status=204)


class DiscoverView(APIView):
    """Ask the server for its tools, and keep what it shows."""

    permission_classes = [MayWrite]

    @extend_schema(
        operation_id="admin_mcp_discover",
        tags=["admin"],
        request=None,
        responses=ToolListSerializer,
        description="The tools that are shown now. 502 or 504 with the server's own words when it fails.",
    )
    def post(self, request: Request, key: str) -> Response:
        tools = services.discover_tools(services.server(key), by=request.user)
        return Response({"items": ToolSerializer(tools, many=True).data, "next": None})


class ProbeView(APIView):
    """Test a server: connection, token, protocol, time; and one call when asked for."""

    permission_classes = [MayWrite]

    @extend_schema(
        operation_id="admin_mcp_test", tags=["admin"], request=ProbeRequestSerializer, responses=ProbeSerializer
    )
    def post(self, request: Request, key: str) -> Response:
        given = fields_of(request, ProbeRequestSerializer(data=request.data))
        probe = services.probe_server(
            services.server(key), by=request.user, tool=given["tool"], arguments=given["arguments"]
        )
        return Response(probe.as_dict())


urlpatterns = [
    path("mcp", ServerListView.as_view()),
    path("mcp/<slug:key>", ServerView.as_view()),
    path("mcp/<slug:key>/discover", DiscoverView.as_view()),
    path("mcp/<slug:key>/test", ProbeView.as_view()),
]
