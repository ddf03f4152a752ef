"""`/api/v1/admin/mcp/{key}/tools*`: the tools of one server."""

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.paging import paginate_by_number
from apps.mcp import services
from apps.mcp.api.permissions import MayRead, MayWrite, ReadOrWrite
from apps.mcp.api.requests import fields_of
from apps.mcp.api.serializers import (
    ApproveSerializer,
    ArgumentsSerializer,
    ToolDiffSerializer,
    ToolListSerializer,
    ToolOptionsSerializer,
    ToolSerializer,
    TrialSerializer,
)
from apps.mcp.models import Tool


class ToolListView(APIView):
    """The tools that the server showed, those that vanished too."""

    permission_classes = [MayRead]

    @extend_schema(operation_id="admin_mcp_tools_list", tags=["admin"], responses=ToolListSerializer)
    def get(self, request: Request, key: str) -> Response:
        rows = Tool.objects.filter(server=services.server(key)).select_related("server")
        page = paginate_by_number(rows, field="id", cursor=request.query_params.get("cursor"), size=100)
        return Response({"items": ToolSerializer(page.items, many=True).data, "next": page.next})


class ToolView(APIView):
    """One tool."""

    permission_classes = [ReadOrWrite]

    @extend_schema(operation_id="admin_mcp_tools_read", tags=["admin"], responses=ToolSerializer)
    def get(self, request: Request, key: str, tool: str) -> Response:
        return Response(ToolSerializer(services.tool(key, tool)).data)

    @extend_schema(
        operation_id="admin_mcp_tools_update",
        tags=["admin"],
        request=ToolOptionsSerializer,
        responses=ToolSerializer,
        description="409 `CORE_2020` when a tool is to be forbidden that features need.",
    )
    def patch(self, request: Request, key: str, tool: str) -> Response:
        options = fields_of(request, ToolOptionsSerializer(data=request.data))
        row = services.set_tool_options(services.tool(key, tool), options, by=request.user)
        return Response(ToolSerializer(row).data)


class ToolDiffView(APIView):
    """What was approved against what the server shows."""

    permission_classes = [MayRead]

    @extend_schema(operation_id="admin_mcp_tools_diff", tags=["admin"], responses=ToolDiffSerializer)
    def get(self, request: Request, key: str, tool: str) -> Response:
        row = services.tool(key, tool)
        changes = [change.as_dict() for change in services.tool_changes(row)]
        return Response({"from": row.sha256, "to": row.seen_sha256, "changes": changes})


class ToolApproveView(APIView):
    """Allow the tool as it is shown."""

    permission_classes = [MayWrite]

    @extend_schema(
        operation_id="admin_mcp_tools_approve",
        tags=["admin"],
        request=ApproveSerializer,
        responses=ToolSerializer,
        description="409 `MCP_2008` when it changed since `sha256` was looked at, `MCP_2009` when it is gone.",
    )
    def post(self, request: Request, key: str, tool: str) -> Response:
        given = fields_of(request, ApproveSerializer(data=request.data))
        row = services.approve_tool(services.tool(key, tool), seen_sha256=given["sha256"], by=request.user)
        return Response(ToolSerializer(row).data)


class ToolCallView(APIView):
    """Call the tool by hand; whatever happens is the answer."""

    permission_classes = [MayWrite]

    @extend_schema(
        operation_id="admin_mcp_tools_call", tags=["admin"], request=ArgumentsSerializer, responses=TrialSerializer
    )
    def post(self, request: Request, key: str, tool: str) -> Response:
        given = fields_of(request, ArgumentsSerializer(data=request.data))
        return Response(services.try_tool(services.tool(key, tool), given["arguments"], by=request.user).as_dict())


# The tool's name may hold dots and slashes, so the words after it come first.
urlpatterns = [
    path("mcp/<slug:key>/tools", ToolListView.as_view()),
    path("mcp/<slug:key>/tools/<path:tool>/diff", ToolDiffView.as_view()),
    path("mcp/<slug:key>/tools/<path:tool>/approve", ToolApproveView.as_view()),
    path("mcp/<slug:key>/tools/<path:tool>/call", ToolCallView.as_view()),
    path("mcp/<slug:key>/tools/<path:tool>", ToolView.as_view()),
]
