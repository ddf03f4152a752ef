"""`/api/v1/api-keys*`, one's own keys, and `/api/v1/admin/api-keys`, everybody's."""

from typing import Any, cast

from django.db.models import QuerySet
from django.urls import path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.keys.scopes import scopes
from apps.accounts.keys.services import create_key, revoke_key
from apps.accounts.models import ApiKey, User
from apps.core.paging import paginate
from apps.core.permissions import HasPermission, SignedIn

LARGEST_BUDGET = 10**12  # credits; in micro-credits still a whole number of 64 bits
CURSOR = OpenApiParameter("cursor", OpenApiTypes.STR)


class ScopesSerializer(serializers.Serializer[None]):
    features = serializers.ListField(
        child=serializers.CharField(), allow_null=True, required=False, help_text="Keys of features; null for all."
    )
    models = serializers.ListField(
        child=serializers.CharField(), allow_null=True, required=False, help_text="Names of models; null for all."
    )
    ips = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Addresses and networks; empty for anywhere."
    )
    admin = serializers.BooleanField(
        required=False, help_text="Whether it may do in the management API what its owner may."
    )


class NewKeySerializer(serializers.Serializer[None]):
    name = serializers.CharField(max_length=80)
    scopes = ScopesSerializer(required=False)
    budget = serializers.IntegerField(
        min_value=0, max_value=LARGEST_BUDGET, allow_null=True, default=None, help_text="Credits; null for no limit."
    )
    budget_period = serializers.ChoiceField(choices=ApiKey.Period.choices, default=ApiKey.Period.TOTAL)
    expires_at = serializers.DateTimeField(allow_null=True, default=None)


class KeySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="The first characters of the key.")
    last4 = serializers.CharField(help_text="And the last.")
    owner = serializers.CharField(source="user.username")
    scopes = ScopesSerializer()
    budget = serializers.IntegerField(allow_null=True)
    budget_period = serializers.ChoiceField(choices=ApiKey.Period.choices)
    state = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To about a minute.")

    def get_state(self, key: ApiKey) -> str:
        return key.state(timezone.now())


class MadeKeySerializer(KeySerializer):
    key = serializers.CharField(help_text="The key itself. It is shown this once.")


class KeyPageSerializer(serializers.Serializer[None]):
    items = KeySerializer(many=True)
    next = serializers.CharField(allow_null=True)


EXAMPLE = OpenApiExample(
    "For one feature, from one network",
    value={
        "name": "shop backend",
        "scopes": {"features": ["product-photo"], "ips": ["203.0.113.0/24"]},
        "budget": 500,
        "budget_period": "month",
        "expires_at": "2027-01-01T00:00:00Z",
    },
    request_only=True,
)


def _page(keys: "QuerySet[ApiKey]", request: Request) -> Response:
    page = paginate(keys.select_related("user"), cursor=request.query_params.get("cursor"))
    return Response({"items": KeySerializer(page.items, many=True).data, "next": page.next})


class KeysView(APIView):
    """The caller's API keys, newest first; and new ones."""

    permission_classes = [SignedIn]

    @extend_schema(operation_id="api_keys_list", tags=["api-keys"], parameters=[CURSOR], responses=KeyPageSerializer)
    def get(self, request: Request) -> Response:
        return _page(ApiKey.objects.filter(user=cast(User, request.user)), request)

    @extend_schema(
        operation_id="api_keys_create",
        tags=["api-keys"],
        request=NewKeySerializer,
        responses={201: MadeKeySerializer},
        examples=[EXAMPLE],
        description="The answer holds the key, this once. 403 `ACCOUNTS_2014` when somebody who is no staff asks for "
        "`admin`, `ACCOUNTS_2015` for whoever comes with an API key; 409 `ACCOUNTS_2016` when there are 50 already.",
    )
    def post(self, request: Request) -> Response:
        form = NewKeySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given: dict[str, Any] = form.validated_data
        owner = cast(User, request.user)
        made = create_key(
            owner,
            by=owner,
            name=given["name"],
            scopes=scopes(**given.get("scopes", {})),
            budget=given["budget"],
            budget_period=given["budget_period"],
            expires_at=given["expires_at"],
        )
        body = {**KeySerializer(made.row).data, "key": made.token}
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})


class RevokeView(APIView):
    """End a key; one's own, or anybody's with the right `keys:write`. A second call changes nothing."""

    permission_classes = [SignedIn]

    @extend_schema(operation_id="api_keys_revoke", tags=["api-keys"], request=None, responses=KeySerializer)
    def post(self, request: Request, key_id: int) -> Response:
        return Response(KeySerializer(revoke_key(key_id, by=cast(User, request.user))).data)


class AllKeysView(APIView):
    """Everybody's API keys, newest first; `user` names one owner."""

    permission_classes = [HasPermission.of(read="keys:read", write="keys:write")]

    @extend_schema(
        operation_id="admin_api_keys_list",
        tags=["admin"],
        parameters=[CURSOR, OpenApiParameter("user", OpenApiTypes.STR, description="A user name.")],
        responses=KeyPageSerializer,
    )
    def get(self, request: Request) -> Response:
        keys = ApiKey.objects.all()
        if name := request.query_params.get("user"):
            keys = keys.filter(user__username=name)
        return _page(keys, request)


urlpatterns = [
    path("api-keys", KeysView.as_view()),
    path("api-keys/<int:key_id>/revoke", RevokeView.as_view()),
    path("admin/api-keys", AllKeysView.as_view()),
]
