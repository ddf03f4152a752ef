"""`/api/v1/admin/trials*` and the replay of tasks; trials are started and watched on the hot lane."""

from typing import Any

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.errors import InvalidRequest
from apps.core.permissions import HasPermission
from apps.tasks.trials import render, services
from apps.tasks.trials.cases import cases_of
from apps.tasks.trials.compare import compare
from apps.tasks.trials.replay import counterpart, read_again, replay
from apps.tasks.trials.whole import SIDES, whole
from apps.tasks.trials.wish import MODES

MayTry = HasPermission.of(read=services.TRY, write=services.TRY)
MayReplay = HasPermission.of(read=services.SEE_ALL, write=services.TRY)
StartedSerializer = inline_serializer(
    "TrialStarted", {"trial": serializers.CharField(), "links": serializers.DictField()}
)
TrialSerializer = inline_serializer(
    "PipelineTrial", {"trial": serializers.CharField(), "status": serializers.CharField()}
)


class TrialView(APIView):
    """One trial or replay, with each step: one's own, or anybody's for whoever may read tasks."""

    permission_classes = [MayTry]

    @extend_schema(operation_id="trials_read", tags=["pipelines"], responses=TrialSerializer)
    def get(self, request: Request, trial: str) -> Response:
        return Response(render.detail(services.get_for(request.user, trial)))


class ValueView(APIView):
    """What went into a step or came out of it, whole, where the trial shows its beginning only."""

    permission_classes = [MayTry]

    @extend_schema(
        operation_id="trials_value",
        tags=["pipelines"],
        parameters=[
            OpenApiParameter("side", enum=SIDES, required=True),
            OpenApiParameter("step", description="The step's path; without it the value is the trial's own."),
            OpenApiParameter("field", description="One field of the value; without it all of it."),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, trial: str) -> Response:
        asked = request.query_params
        task = services.get_for(request.user, trial)
        return Response(whole(task, asked.get("side", ""), step=asked.get("step", ""), field=asked.get("field")))


class CancelTrialView(APIView):
    """Cancel a trial at once."""

    permission_classes = [MayTry]

    @extend_schema(operation_id="trials_cancel", tags=["pipelines"], request=None, responses=TrialSerializer)
    def post(self, request: Request, trial: str) -> Response:
        return Response(render.detail(services.cancel_trial(request.user, trial)))


class CompareView(APIView):
    """A trial (b) beside another run (a), step by step."""

    permission_classes = [MayReplay]

    @extend_schema(
        operation_id="trials_compare",
        tags=["pipelines"],
        parameters=[OpenApiParameter("with", OpenApiTypes.UUID, required=False)],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request, trial: str) -> Response:
        new = services.get_for(request.user, trial)
        return Response(compare(counterpart(request.user, new, request.query_params.get("with", "")), new))


class ReplayView(APIView):
    """Run an old run once more; nobody is charged."""

    permission_classes = [MayReplay]

    @extend_schema(
        operation_id="tasks_replay", tags=["pipelines"], request=OpenApiTypes.OBJECT, responses={202: StartedSerializer}
    )
    def post(self, request: Request, task_id: str) -> Response:
        task = replay(request.user, task_id, read_again(request.data))
        return Response(render.accepted(task), status=status.HTTP_202_ACCEPTED)


class RunCasesView(APIView):
    """Run the saved cases of a pipeline, each as a trial of its own."""

    permission_classes = [MayTry]

    @extend_schema(
        operation_id="pipelines_run_cases", tags=["pipelines"], request=OpenApiTypes.OBJECT,
        responses={202: OpenApiTypes.OBJECT},
    )  # fmt: skip
    def post(self, request: Request, key: str) -> Response:
        asked = _asked(request.data)
        pipeline = services.pipeline_for(request.user, key)
        cases = cases_of(pipeline, asked["cases"])
        started = [
            (case, services.start_case(request.user, pipeline, case, mode=asked["mode"], feature=asked["feature"]))
            for case in cases
        ]
        runs = [{"case": case.name, **render.accepted(task)} for case, task in started]
        return Response({"runs": runs}, status=status.HTTP_202_ACCEPTED)


def _asked(body: Any) -> dict[str, Any]:
    """Which cases are to run, and how. Raises `InvalidRequest`."""
    given = body if isinstance(body, dict) else {}
    mode, feature, cases = given.get("mode", "mock"), given.get("feature") or "", given.get("cases")
    fine = mode in MODES and isinstance(feature, str)
    fine = fine and (cases is None or (isinstance(cases, list) and all(isinstance(one, str) for one in cases)))
    if not fine:
        raise InvalidRequest()
    return {"mode": mode, "feature": feature, "cases": cases}


urlpatterns = [
    path("trials/<str:trial>", TrialView.as_view(), name="trials-detail"),
    path("trials/<str:trial>/value", ValueView.as_view(), name="trials-value"),
    path("trials/<str:trial>/cancel", CancelTrialView.as_view(), name="trials-cancel"),
    path("trials/<str:trial>/compare", CompareView.as_view(), name="trials-compare"),
    path("tasks/<str:task_id>/replay", ReplayView.as_view(), name="tasks-replay"),
    path("pipelines/<str:key>/cases/run", RunCasesView.as_view(), name="pipelines-cases-run"),
]
