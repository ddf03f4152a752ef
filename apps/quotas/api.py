"""`GET /api/v1/quota`."""

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.permissions import SignedIn
from apps.quotas import services
from apps.quotas.models import Account


class QuotaSerializer(serializers.Serializer[Account]):
    balance = serializers.IntegerField(help_text="Credits that can be spent.")
    held = serializers.IntegerField(help_text="Credits reserved for running tasks.")


class QuotaView(APIView):
    """The caller's credits."""

    permission_classes = [SignedIn]

    @extend_schema(operation_id="quota_read", tags=["quota"], responses=QuotaSerializer)
    def get(self, request: Request) -> Response:
        return Response(QuotaSerializer(services.account_of(request.user)).data)


urlpatterns = [path("quota", QuotaView.as_view())]
