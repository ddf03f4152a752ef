"""What an editor asks while somebody draws: `/api/v1/admin/pipelines/validate`, `/describe`, `/nodes` and `/parts`."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from apps.pipelines import services
from apps.pipelines.api.bodies import graph_of
from apps.pipelines.api.permissions import MayRead
from apps.pipelines.api.serializers import AnyField, GraphProblemSerializer
from apps.pipelines.describing import describe
from apps.pipelines.palette import registry
from apps.pipelines.validator import validate


class Keystrokes(UserRateThrottle):
    """As often as the fastest hands type, and no more: a look at a large graph is work."""

    scope = "pipelines_look"
    rate = "30/s"


class ValidateRequestSerializer(serializers.Serializer[None]):
    graph = AnyField()
    key = serializers.CharField(required=False, allow_blank=True, max_length=64, help_text="of the pipeline")
    feature = serializers.CharField(
        required=False, allow_blank=True, max_length=64, help_text="whose form and result to judge by"
    )


class WorstCaseSerializer(serializers.Serializer[None]):
    worst_micro = serializers.IntegerField(help_text="micro-credits of one run at worst, as far as it is known")
    unknown = serializers.ListField(child=serializers.CharField(), help_text="nodes of which it is not known")


class VerdictSerializer(serializers.Serializer[None]):
    problems = GraphProblemSerializer(many=True)
    cost = WorstCaseSerializer(required=False)


class DescribeRequestSerializer(ValidateRequestSerializer):
    nodes = serializers.ListField(child=serializers.CharField(), required=False, help_text="only these")


class ScopeSerializer(serializers.Serializer[None]):
    path = serializers.CharField()
    type = serializers.CharField(help_text="a JSON type, file or any")
    title = serializers.CharField()
    sure = serializers.BooleanField(help_text="whether it is there on every way to the node")


class PortSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        """`label` is a word of the framework."""
        return {**super().get_fields(), "label": serializers.CharField()}


class PortsSerializer(serializers.Serializer[None]):
    out = PortSerializer(many=True)


class DescribedNodeSerializer(serializers.Serializer[None]):
    inputs = AnyField()
    outputs = AnyField(allow_null=True)
    ports = PortsSerializer()
    scope = ScopeSerializer(many=True)


class DescribedSerializer(serializers.Serializer[None]):
    nodes = serializers.DictField(child=DescribedNodeSerializer())


class NodeTypesSerializer(serializers.Serializer[None]):
    version = serializers.CharField()
    types = AnyField(help_text="by type: label, help, category, icon, config, inputs, outputs, ports, policy")
    limits = serializers.DictField(child=serializers.IntegerField())


class OfferedPartsSerializer(serializers.Serializer[None]):
    prompts = AnyField()
    tools = AnyField()
    pipelines = AnyField()
    models = AnyField()
    hosts = serializers.ListField(child=serializers.CharField())


class ValidateView(APIView):
    """Every problem of a graph, as a release would tell them. Nothing is stored."""

    permission_classes = [MayRead]
    throttle_classes = [Keystrokes]

    @extend_schema(
        operation_id="admin_pipelines_validate",
        tags=["admin"],
        request=ValidateRequestSerializer,
        responses=VerdictSerializer,
        description="Whatever the graph is, the answer is 200 with its problems; 422 `PIPELINES_2019` when the body "
        "is no object. `cost` is absent where nothing can be said of it.",
    )
    def post(self, request: Request) -> Response:
        body = graph_of(request)
        graph, parts = _graph_and_parts(body)
        answer: dict[str, Any] = {"problems": [problem.as_dict() for problem in validate(graph, parts)]}
        if (cost := services.cost_of(graph, parts)) is not None:
            answer["cost"] = cost.as_dict()
        return Response(answer)


class DescribeView(APIView):
    """What each node of a graph takes and gives, its ways out, and which values its inputs may read."""

    permission_classes = [MayRead]
    throttle_classes = [Keystrokes]

    @extend_schema(
        operation_id="admin_pipelines_describe",
        tags=["admin"],
        request=DescribeRequestSerializer,
        responses=DescribedSerializer,
    )
    def post(self, request: Request) -> Response:
        body = graph_of(request)
        graph, parts = _graph_and_parts(body)
        wanted = body.get("nodes")
        only = {str(node) for node in wanted} if isinstance(wanted, list) else None
        return Response({"nodes": describe(graph, parts, wanted=only)})


class NodeTypesView(APIView):
    """Every node type: what it is called, how it is set, what goes in and comes out. In the caller's language."""

    permission_classes = [MayRead]

    @extend_schema(operation_id="admin_pipelines_nodes", tags=["admin"], responses=NodeTypesSerializer)
    def get(self, request: Request) -> Response:
        return Response(registry())


class PartsView(APIView):
    """What nodes may name: prompts, tools that may be called, pipelines, models that answer, hosts."""

    permission_classes = [MayRead]

    @extend_schema(operation_id="admin_pipelines_parts", tags=["admin"], responses=OfferedPartsSerializer)
    def get(self, request: Request) -> Response:
        return Response(services.offered_parts())


def _graph_and_parts(body: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    graph = body.get("graph")
    return graph, services.parts_for(graph, key=_name(body, "key"), feature=_name(body, "feature"))


def _name(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    return value if isinstance(value, str) and len(value) <= 64 else ""


urlpatterns = [
    path("pipelines/validate", ValidateView.as_view()),
    path("pipelines/describe", DescribeView.as_view()),
    path("pipelines/nodes", NodeTypesView.as_view()),
    path("pipelines/parts", PartsView.as_view()),
]
