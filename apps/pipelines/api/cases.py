"""`/api/v1/admin/pipelines/{key}/cases` and `/pins`: what is kept of trials."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.pipelines import services
from apps.pipelines.api.bodies import object_of
from apps.pipelines.api.permissions import ReadOrEdit
from apps.pipelines.api.serializers import (
    PinListSerializer,
    PinSerializer,
    PipelineCaseListSerializer,
    PipelineCaseSerializer,
)
from apps.pipelines.models import PipelineCase
from apps.prompts.api.requests import IF_MATCH, STALE, expected_revision, fields_of

CASE_MISTAKES = "422 `PIPELINES_2013` with every mistake, 409 `PIPELINES_2014` when the name is taken."
PIN_MISTAKES = "422 `PIPELINES_2016` with every mistake, 409 `PIPELINES_2017` when the name is taken."


def _rendered(case: PipelineCase, *, status: int = 200) -> Response:
    return Response(PipelineCaseSerializer(case).data, status=status, headers={"ETag": f'"{case.revision}"'})


class PipelineCasesView(APIView):
    """The pipeline's cases by name, and new ones."""

    permission_classes = [ReadOrEdit]

    @extend_schema(operation_id="admin_pipelines_cases", tags=["admin"], responses=PipelineCaseListSerializer)
    def get(self, request: Request, key: str) -> Response:
        return Response({"items": PipelineCaseSerializer(services.cases_of(key), many=True).data, "next": None})

    @extend_schema(
        operation_id="admin_pipelines_create_case",
        tags=["admin"],
        request=PipelineCaseSerializer,
        responses={201: PipelineCaseSerializer},
        description=CASE_MISTAKES + " 422 `PIPELINES_2015` when there are too many.",
    )
    def post(self, request: Request, key: str) -> Response:
        fields = fields_of(request, PipelineCaseSerializer(data=object_of(request)))
        return _rendered(services.create_case(key, fields, by=request.user), status=201)


class PipelineCaseView(APIView):
    """One case; changes and deletion need the revision that was read, in `If-Match`."""

    permission_classes = [ReadOrEdit]

    @extend_schema(operation_id="admin_pipelines_case", tags=["admin"], responses=PipelineCaseSerializer)
    def get(self, request: Request, key: str, case_id: int) -> Response:
        return _rendered(services.case_of(key, case_id))

    @extend_schema(
        operation_id="admin_pipelines_update_case",
        tags=["admin"],
        parameters=[IF_MATCH],
        request=PipelineCaseSerializer(partial=True),
        responses=PipelineCaseSerializer,
        description=f"{STALE} {CASE_MISTAKES}",
    )
    def patch(self, request: Request, key: str, case_id: int) -> Response:
        form: Any = PipelineCaseSerializer(services.case_of(key, case_id), data=object_of(request), partial=True)
        fields, revision = fields_of(request, form), expected_revision(request)
        return _rendered(services.update_case(key, case_id, fields, expected_revision=revision, by=request.user))

    @extend_schema(
        operation_id="admin_pipelines_delete_case",
        tags=["admin"],
        parameters=[IF_MATCH],
        responses={204: None},
        description=STALE,
    )
    def delete(self, request: Request, key: str, case_id: int) -> Response:
        services.delete_case(key, case_id, expected_revision=expected_revision(request), by=request.user)
        return Response(status=204)


class PinsView(APIView):
    """The pipeline's pins by name, and new ones."""

    permission_classes = [ReadOrEdit]

    @extend_schema(operation_id="admin_pipelines_pins", tags=["admin"], responses=PinListSerializer)
    def get(self, request: Request, key: str) -> Response:
        return Response({"items": PinSerializer(services.pins_of(key), many=True).data, "next": None})

    @extend_schema(
        operation_id="admin_pipelines_create_pin",
        tags=["admin"],
        request=PinSerializer,
        responses={201: PinSerializer},
        description=PIN_MISTAKES + " 422 `PIPELINES_2018` when there are too many.",
    )
    def post(self, request: Request, key: str) -> Response:
        fields = fields_of(request, PinSerializer(data=object_of(request)))
        return Response(PinSerializer(services.create_pin(key, fields, by=request.user)).data, status=201)


class PinView(APIView):
    """One pin. It is never changed: another output is another pin."""

    permission_classes = [ReadOrEdit]

    @extend_schema(operation_id="admin_pipelines_pin", tags=["admin"], responses=PinSerializer)
    def get(self, request: Request, key: str, pin_id: int) -> Response:
        return Response(PinSerializer(services.pin_of(key, pin_id)).data)

    @extend_schema(operation_id="admin_pipelines_delete_pin", tags=["admin"], responses={204: None})
    def delete(self, request: Request, key: str, pin_id: int) -> Response:
        services.delete_pin(key, pin_id)
        return Response(status=204)


urlpatterns = [
    path("pipelines/<slug:key>/cases", PipelineCasesView.as_view()),
    path("pipelines/<slug:key>/cases/<int:case_id>", PipelineCaseView.as_view()),
    path("pipelines/<slug:key>/pins", PinsView.as_view()),
    path("pipelines/<slug:key>/pins/<int:pin_id>", PinView.as_view()),
]
