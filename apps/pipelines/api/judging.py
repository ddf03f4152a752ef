"""`/api/v1/admin/pipelines/validate`: what is wrong with a graph that need not be stored."""

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


class VerdictSerializer(serializers.Serializer[None]):
    problems = GraphProblemSerializer(many=True)


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
        "is no object.",
    )
    def post(self, request: Request) -> Response:
        body = graph_of(request)
        problems = services.judge(body.get("graph"), key=_name(body, "key"), feature=_name(body, "feature"))
        return Response({"problems": [problem.as_dict() for problem in problems]})


def _name(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    return value if isinstance(value, str) and len(value) <= 64 else ""


urlpatterns = [
    path("pipelines/validate", ValidateView.as_view()),
]
