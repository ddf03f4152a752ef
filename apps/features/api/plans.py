"""`/api/v1/admin/features/{key}/plans` and `/api/v1/admin/plans/{id}*`: releases that wait."""

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.paging import paginate_by_number
from apps.core.publishing.models import Plan
from apps.core.publishing.services.plans import OPEN
from apps.features import services
from apps.features.api.permissions import EditOrPublish, ReadOrEdit, ReadOrPropose
from apps.features.api.release import CURSOR
from apps.features.api.serializers import NewPlanSerializer, PlanListSerializer, PlanSerializer, ReasonSerializer
from apps.features.plans import VERBS, decide, plan_of
from apps.features.publishing import SCOPE


class PlansView(APIView):
    """The planned releases of a feature, newest first; and new ones."""

    permission_classes = [ReadOrPropose]

    @extend_schema(
        operation_id="admin_features_plans",
        tags=["admin"],
        parameters=[CURSOR, OpenApiParameter("open", OpenApiTypes.BOOL, description="Only those that still wait.")],
        responses=PlanListSerializer,
    )
    def get(self, request: Request, key: str) -> Response:
        services.draft(key)
        rows = Plan.objects.filter(scope=SCOPE, key=key).select_related("requested_by", "approved_by").defer("body")
        if request.query_params.get("open") in ("true", "1"):
            rows = rows.filter(status__in=OPEN)
        page = paginate_by_number(rows, field="pk", cursor=request.query_params.get("cursor"))
        return Response({"items": PlanSerializer(page.items, many=True).data, "next": page.next})

    @extend_schema(
        operation_id="admin_features_plan",
        tags=["admin"],
        request=NewPlanSerializer,
        responses={201: PlanSerializer},
        description="Freeze the draft, to be released at `due_at`, or when a second person approves (`ask`), or both. "
        "Who may change but not publish has to ask: 403 `FEATURES_2084` otherwise. 422 `CORE_2039` for a time in the "
        "past; refused as publishing is.",
    )
    def post(self, request: Request, key: str) -> Response:
        form = NewPlanSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        audience = {name: given.pop(name) for name in ("percent", "roles", "margin") if name in given}
        rollout = audience if given["action"] == Plan.Action.ROLLOUT else {}
        plan = services.plan_feature(key, by=request.user, **given, **rollout)
        return Response(PlanSerializer(plan).data, status=201)


class PlanView(APIView):
    """One planned release."""

    permission_classes = [ReadOrEdit]

    @extend_schema(operation_id="admin_plans_read", tags=["admin"], responses=PlanSerializer)
    def get(self, request: Request, plan_id: int) -> Response:
        return Response(PlanSerializer(plan_of(plan_id)).data)


class PlanDecisionView(APIView):
    """Approve or reject as the second person; cancel as the one who proposed it, or as a publisher."""

    permission_classes = [EditOrPublish]

    @extend_schema(
        operation_id="admin_plans_decide",
        tags=["admin"],
        parameters=[OpenApiParameter("verb", OpenApiTypes.STR, OpenApiParameter.PATH, enum=list(VERBS))],
        request=ReasonSerializer,
        responses=PlanSerializer,
        description="403 `CORE_2037` for one's own plan, 409 `CORE_2038` when it has ended, `CORE_2040` when it was "
        "overtaken; approving is refused as publishing is, and the plan waits on.",
    )
    def post(self, request: Request, plan_id: int, verb: str) -> Response:
        form = ReasonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        plan = decide(plan_id, verb, by=request.user, note=form.validated_data["note"])
        return Response(PlanSerializer(plan).data)


urlpatterns = [
    path("features/<slug:key>/plans", PlansView.as_view()),
    path("plans/<int:plan_id>", PlanView.as_view()),
    path("plans/<int:plan_id>/<slug:verb>", PlanDecisionView.as_view()),
]
