"""`/api/v1/admin/prompts/{key}/cases`: saved cases, and running them."""

from typing import Any

from django.urls import path, reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.lane.conditional import tags_of
from apps.core.paging import paginate_by_number
from apps.prompts import services
from apps.prompts.api.permissions import MayRead, ReadOrEdit
from apps.prompts.api.requests import CURSOR, IF_MATCH, IF_NONE_MATCH, STALE, expected_revision, fields_of, object_of
from apps.prompts.api.serializers import (
    CaseListSerializer,
    CaseRunListSerializer,
    CaseRunSerializer,
    CaseSerializer,
    RunCasesSerializer,
)
from apps.prompts.models import CaseRun, PromptCase
from apps.prompts.services.cases import case_of

MISTAKES = "422 `PROMPTS_2010` with every mistake, 409 `PROMPTS_2011` when the name is taken."


def _tag(run: CaseRun) -> str:
    return f'"{run.pk}-{run.status}-{run.done}"'


def _rendered(case: PromptCase, *, status: int = 200) -> Response:
    return Response(CaseSerializer(case).data, status=status, headers={"ETag": f'"{case.revision}"'})


class CasesView(APIView):
    """The prompt's cases by name, and new ones."""

    permission_classes = [ReadOrEdit]

    @extend_schema(operation_id="admin_prompts_cases", tags=["admin"], responses=CaseListSerializer)
    def get(self, request: Request, key: str) -> Response:
        return Response({"items": CaseSerializer(services.cases_of(key), many=True).data, "next": None})

    @extend_schema(
        operation_id="admin_prompts_create_case",
        tags=["admin"],
        request=CaseSerializer,
        responses={201: CaseSerializer},
        description=MISTAKES + " 422 `PROMPTS_2013` when there are too many.",
    )
    def post(self, request: Request, key: str) -> Response:
        fields = fields_of(request, CaseSerializer(data=object_of(request)))
        return _rendered(services.create_case(key, fields, by=request.user), status=201)


class CaseView(APIView):
    """One case; changes and deletion need the revision that was read, in `If-Match`."""

    permission_classes = [ReadOrEdit]

    @extend_schema(operation_id="admin_prompts_case", tags=["admin"], responses=CaseSerializer)
    def get(self, request: Request, key: str, case_id: int) -> Response:
        return _rendered(case_of(key, case_id))

    @extend_schema(
        operation_id="admin_prompts_update_case",
        tags=["admin"],
        parameters=[IF_MATCH],
        request=CaseSerializer(partial=True),
        responses=CaseSerializer,
        description=f"{STALE} {MISTAKES}",
    )
    def patch(self, request: Request, key: str, case_id: int) -> Response:
        form: Any = CaseSerializer(case_of(key, case_id), data=object_of(request), partial=True)
        fields, revision = fields_of(request, form), expected_revision(request)
        return _rendered(services.update_case(key, case_id, fields, expected_revision=revision, by=request.user))

    @extend_schema(
        operation_id="admin_prompts_delete_case",
        tags=["admin"],
        parameters=[IF_MATCH],
        responses={204: None},
        description=STALE,
    )
    def delete(self, request: Request, key: str, case_id: int) -> Response:
        services.delete_case(key, case_id, expected_revision=expected_revision(request), by=request.user)
        return Response(status=204)


class RunCasesView(APIView):
    """Order a run: a model is asked for every case, and the answers are judged. It costs what the answers cost."""

    permission_classes = [ReadOrEdit]

    @extend_schema(
        operation_id="admin_prompts_run_cases",
        tags=["admin"],
        request=RunCasesSerializer,
        responses={202: CaseRunSerializer},
        description="Answers at once; the run goes on by itself. `Location` is its address. Where a run of exactly "
        "this text, these cases and this model is open already, it is that one. "
        "422 `PROMPTS_2012` without cases, `PROVIDERS_2001` when no model can be asked.",
    )
    def post(self, request: Request, key: str) -> Response:
        form = RunCasesSerializer(data=object_of(request))
        form.is_valid(raise_exception=True)
        at = form.validated_data["at"]
        reference = f"{key}@{at}" if at else key
        run = services.start_run(reference, model=form.validated_data["model"], by=request.user)
        address = reverse("prompt-case-run", args=[key, run.pk])
        return Response(CaseRunSerializer(run).data, status=202, headers={"Location": address, "ETag": _tag(run)})


class RunView(APIView):
    """One run: how far it is, and what came of it. Ask again with the tag until its status is an end."""

    permission_classes = [MayRead]

    @extend_schema(
        operation_id="admin_prompts_case_run",
        tags=["admin"],
        parameters=[IF_NONE_MATCH],
        responses={200: CaseRunSerializer, 304: None},
        description="`status` goes from `queued` over `running` to `finished`, `cancelled` or `failed`; `done` of "
        "`total` cases are answered. 304 while nothing has changed since the tag in `If-None-Match`.",
    )
    def get(self, request: Request, key: str, run_id: int) -> Response:
        run = services.run_of(key, run_id)
        tag = _tag(run)
        if tag in tags_of(request.headers.get("If-None-Match", "")):
            return Response(status=304, headers={"ETag": tag})
        return Response(CaseRunSerializer(run).data, headers={"ETag": tag})


class CancelRunView(APIView):
    """Call a run off. What was answered until then is kept; it counts for no gate."""

    permission_classes = [ReadOrEdit]

    @extend_schema(
        operation_id="admin_prompts_cancel_case_run",
        tags=["admin"],
        request=None,
        responses=CaseRunSerializer,
        description="409 `PROMPTS_2015` when it has ended already.",
    )
    def post(self, request: Request, key: str, run_id: int) -> Response:
        run = services.cancel_run(key, run_id, by=request.user)
        return Response(CaseRunSerializer(run).data, headers={"ETag": _tag(run)})


class RunsView(APIView):
    """Runs, the newest first, those that go on among them."""

    permission_classes = [MayRead]

    @extend_schema(
        operation_id="admin_prompts_case_runs",
        tags=["admin"],
        parameters=[CURSOR],
        responses=CaseRunListSerializer,
    )
    def get(self, request: Request, key: str) -> Response:
        page = paginate_by_number(services.runs_of(key), field="id", cursor=request.query_params.get("cursor"))
        return Response({"items": CaseRunSerializer(page.items, many=True).data, "next": page.next})


urlpatterns = [
    path("prompts/<slug:key>/cases", CasesView.as_view()),
    path("prompts/<slug:key>/cases/run", RunCasesView.as_view()),
    path("prompts/<slug:key>/cases/runs", RunsView.as_view()),
    path("prompts/<slug:key>/cases/runs/<int:run_id>", RunView.as_view(), name="prompt-case-run"),
    path("prompts/<slug:key>/cases/runs/<int:run_id>/cancel", CancelRunView.as_view()),
    path("prompts/<slug:key>/cases/<int:case_id>", CaseView.as_view()),
]
