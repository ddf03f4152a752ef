"""`/api/v1/auth/*`: parse, permit, call a service, render."""

from typing import Any, cast

from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import services
from apps.accounts.effective import Effective, effective
from apps.accounts.models import User
from apps.core.permissions import Public, SignedIn


class LoginSerializer(serializers.Serializer[None]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=256, trim_whitespace=False)


class RefreshSerializer(serializers.Serializer[None]):
    refresh = serializers.CharField(max_length=256)


class UserSerializer(serializers.Serializer[User]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    name = serializers.CharField()
    roles = serializers.SerializerMethodField()

    def get_roles(self, user: User) -> list[str]:
        return sorted(user.role_names)


class TokensSerializer(serializers.Serializer[services.SignIn]):
    access = serializers.CharField()
    refresh = serializers.CharField()
    user = UserSerializer()


class LoginView(APIView):
    """Sign in with a user name and password."""

    permission_classes = [Public]
    authentication_classes: list[Any] = []

    @extend_schema(
        operation_id="auth_login",
        tags=["auth"],
        request=LoginSerializer,
        responses=TokensSerializer,
        examples=[OpenApiExample("A member", value={"username": "member", "password": "…"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        form = LoginSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return Response(TokensSerializer(services.sign_in(**form.validated_data)).data)


class RefreshView(APIView):
    """Spend a refresh token for a new pair. A token works once; a second use ends the sign-in."""

    permission_classes = [Public]
    authentication_classes: list[Any] = []

    @extend_schema(operation_id="auth_refresh", tags=["auth"], request=RefreshSerializer, responses=TokensSerializer)
    def post(self, request: Request) -> Response:
        form = RefreshSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return Response(TokensSerializer(services.refresh(form.validated_data["refresh"])).data)


class LogoutView(APIView):
    """End the sign-in that a refresh token belongs to."""

    permission_classes = [Public]
    authentication_classes: list[Any] = []

    @extend_schema(operation_id="auth_logout", tags=["auth"], request=RefreshSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        form = RefreshSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        services.sign_out(form.validated_data["refresh"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class MeView(APIView):
    """Who is signed in."""

    permission_classes = [SignedIn]

    @extend_schema(operation_id="auth_me", tags=["auth"], responses=UserSerializer)
    def get(self, request: Request) -> Response:
        return Response(UserSerializer(cast(User, request.user)).data)


class SourceSerializer(serializers.Serializer[None]):
    kind = serializers.ChoiceField(choices=["superuser", "role", "group", "direct"])
    name = serializers.CharField(help_text="The role's or group's; empty for the other kinds.")


class HeldSerializer(serializers.Serializer[None]):
    right = serializers.CharField(help_text="As in the policy file, for example `features:publish`.")
    action = serializers.CharField()
    allowed = serializers.BooleanField()
    sources = SourceSerializer(many=True)


class LineSerializer(serializers.Serializer[None]):
    resource = serializers.CharField()
    rights = HeldSerializer(many=True)


class GrantedSerializer(serializers.Serializer[None]):
    kind = serializers.CharField()
    key = serializers.CharField()
    title = serializers.CharField()
    right = serializers.CharField()
    via = SourceSerializer()


class UsableSerializer(serializers.Serializer[None]):
    key = serializers.CharField()
    title = serializers.CharField()
    version = serializers.IntegerField()
    visible = serializers.BooleanField()
    run = serializers.BooleanField()
    because = serializers.ChoiceField(choices=["everybody", "role", "granted", "off", "no-role"])


class EffectiveSerializer(serializers.Serializer[Effective]):
    roles = serializers.ListField(child=serializers.CharField())
    staff = serializers.BooleanField()
    superuser = serializers.BooleanField()
    mode = serializers.CharField(help_text="`enforce`, or `log` while refusals to staff are only logged.")
    matrix = LineSerializer(many=True)
    grants = GrantedSerializer(many=True)
    features = UsableSerializer(many=True)


class PermissionsView(APIView):
    """What the caller may do, where each right comes from, and which released features are theirs."""

    permission_classes = [SignedIn]

    @extend_schema(operation_id="auth_permissions", tags=["auth"], responses=EffectiveSerializer)
    def get(self, request: Request) -> Response:
        body = EffectiveSerializer(effective(cast(User, request.user))).data
        return Response(body, headers={"Cache-Control": "private, no-store"})


urlpatterns = [
    path("login", LoginView.as_view()),
    path("refresh", RefreshView.as_view()),
    path("logout", LogoutView.as_view()),
    path("me", MeView.as_view()),
    path("permissions", PermissionsView.as_view()),
]
