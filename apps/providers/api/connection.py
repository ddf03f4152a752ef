"""`/api/v1/admin/providers/test` and `/{key}/test`: does a connection work?"""

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.permissions import HasPermission
from apps.providers import services
from apps.providers.api.endpoints import invalid, object_of
from apps.providers.api.serializers import FoundSerializer, TestSerializer
from apps.providers.connection import look
from apps.providers.handlers import handlers
from apps.providers.services.health import probe_with

MayTest = HasPermission.of(read="providers:write", write="providers:write")
ALWAYS = "200 with `ok: false` and the failure when the connection does not work; an answer within two seconds."


class TestView(APIView):
    """Test an address and a key before they are kept. Nothing is kept of it."""

    permission_classes = [MayTest]

    @extend_schema(
        operation_id="admin_providers_test",
        tags=["admin"],
        request=TestSerializer,
        responses=FoundSerializer,
        description=ALWAYS,
    )
    def post(self, request: Request) -> Response:
        form = TestSerializer(data=object_of(request))
        form.is_valid(raise_exception=True)
        given = form.validated_data
        if given["handler"] not in handlers():
            raise invalid("/handler", "choice", ", ".join(sorted(handlers())))
        probe = probe_with(
            handler_key=given["handler"], base_url=given["base_url"], secret=given["secret"].strip(), endpoint=None
        )
        return Response(look(probe).as_dict())


class KeptTestView(APIView):
    """Test an endpoint with the key it has; the result is kept as its health."""

    permission_classes = [MayTest]

    @extend_schema(
        operation_id="admin_providers_test_kept",
        tags=["admin"],
        request=None,
        responses=FoundSerializer,
        description=ALWAYS,
    )
    def post(self, request: Request, key: str) -> Response:
        return Response(services.test_endpoint(services.endpoint_of(key)).as_dict())


urlpatterns = [
    path("providers/test", TestView.as_view()),
    path("providers/<slug:key>/test", KeptTestView.as_view()),
]
