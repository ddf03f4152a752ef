"""`/api/v1/tasks*` and the websocket's ticket."""

from typing import Any, cast

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.errors import KeyScopeExceeded
from apps.accounts.models import User
from apps.accounts.tickets import mint_ticket
from apps.core.paging import paginate
from apps.core.permissions import SignedIn
from apps.tasks import questions, render, services
from apps.tasks.models import Task


class NewTaskSerializer(serializers.Serializer[None]):
    feature = serializers.SlugField(max_length=64)
    input = serializers.DictField(default=dict)


class LinksSerializer(serializers.Serializer[None]):
    self = serializers.CharField()
    stream = serializers.CharField()
    ws = serializers.CharField()
    cancel = serializers.CharField()


class AcceptedSerializer(serializers.Serializer[None]):
    id = serializers.UUIDField()
    status = serializers.CharField()
    links = LinksSerializer()


class TaskSummarySerializer(serializers.Serializer[None]):
    id = serializers.UUIDField()
    feature = serializers.CharField()
    title = serializers.CharField()
    version = serializers.IntegerField()
    status = serializers.CharField()
    progress = serializers.FloatField()
    cost = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class TaskSerializer(TaskSummarySerializer):
    input = serializers.DictField()
    output = serializers.DictField(allow_null=True)
    steps = serializers.ListField(child=serializers.DictField())
    error = serializers.DictField(allow_null=True)
    model_used = serializers.CharField(allow_null=True)
    mock = serializers.BooleanField()
    started_at = serializers.DateTimeField(allow_null=True)
    last_seq = serializers.IntegerField()
    questions = serializers.ListField(child=serializers.DictField())
    files = serializers.DictField()
    form = serializers.DictField(allow_null=True)
    output_form = serializers.DictField(allow_null=True)
    links = LinksSerializer()


class AnswerSerializer(serializers.Serializer[None]):
    answer = serializers.DictField(default=dict)
    option = serializers.CharField(default="", allow_blank=True, max_length=40)


class TaskPageSerializer(serializers.Serializer[None]):
    items = TaskSummarySerializer(many=True)
    next = serializers.CharField(allow_null=True)


class TicketSerializer(serializers.Serializer[None]):
    ticket = serializers.CharField()


EXAMPLE = OpenApiExample(
    "A product photo",
    value={
        "feature": "product-photo",
        "input": {"image": "0b6f…", "background": "#ffffff", "size": 1500, "format": "png"},
    },
    request_only=True,
)


class TaskListView(APIView):
    """The caller's tasks, newest first; and new ones."""

    permission_classes = [SignedIn]

    @extend_schema(
        operation_id="tasks_list",
        tags=["tasks"],
        parameters=[OpenApiParameter("cursor", OpenApiTypes.STR)],
        responses=TaskPageSerializer,
    )
    def get(self, request: Request) -> Response:
        page = paginate(Task.objects.owned_by(request.user), cursor=request.query_params.get("cursor"))
        return Response({"items": [render.summary(task) for task in page.items], "next": page.next})

    @extend_schema(
        operation_id="tasks_create",
        tags=["tasks"],
        request=NewTaskSerializer,
        responses={202: AcceptedSerializer},
        examples=[EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        form = NewTaskSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given: dict[str, Any] = form.validated_data
        task = services.create_task(request.user, feature=given["feature"], given=given["input"])
        return Response(render.accepted(task), status=status.HTTP_202_ACCEPTED)


def _rendered(task: Task, request: Request) -> Response:
    return Response(render.detail(task, cast(User, request.user).role_names))


class TaskView(APIView):
    """One task of the caller's."""

    permission_classes = [SignedIn]

    @extend_schema(operation_id="tasks_read", tags=["tasks"], responses=TaskSerializer)
    def get(self, request: Request, task_id: str) -> Response:
        return _rendered(services.get_for(request.user, task_id), request)


class CancelView(APIView):
    """Cancel a task; nothing is charged."""

    permission_classes = [SignedIn]

    @extend_schema(operation_id="tasks_cancel", tags=["tasks"], request=None, responses=TaskSerializer)
    def post(self, request: Request, task_id: str) -> Response:
        return _rendered(services.cancel_task(request.user, task_id), request)


class AnswerView(APIView):
    """Answer a question of a task. It is closed once: by an answer, or when its time is over."""

    permission_classes = [SignedIn]

    @extend_schema(operation_id="tasks_answer", tags=["tasks"], request=AnswerSerializer, responses=TaskSerializer)
    def post(self, request: Request, task_id: str, path: str) -> Response:
        form = AnswerSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        task = questions.answer_question(request.user, task_id, path, given=given["answer"], option=given["option"])
        return _rendered(task, request)


class TicketView(APIView):
    """A one-time ticket for `/ws/?ticket=`, good for 30 seconds. Not for an API key that is for some features only."""

    permission_classes = [SignedIn]

    @extend_schema(operation_id="ws_ticket", tags=["tasks"], request=None, responses=TicketSerializer)
    def post(self, request: Request) -> Response:
        grant = cast(User, request.user).key_grant
        if grant is not None and grant.features is not None:
            raise KeyScopeExceeded(wanted="/ws/")  # the socket tells of every task of the user's
        return Response({"ticket": mint_ticket(request.user.pk or 0)})


urlpatterns = [
    path("tasks", TaskListView.as_view()),
    path("tasks/<str:task_id>", TaskView.as_view()),
    path("tasks/<str:task_id>/answers/<path:path>", AnswerView.as_view()),
    path("tasks/<str:task_id>/cancel", CancelView.as_view()),
    path("ws-ticket", TicketView.as_view()),
]
