"""`Authorization: Bearer <access token or API key>`, for both lanes."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.accounts.errors import KeyInvalid, TokenInvalid
from apps.accounts.keys.lookup import aprincipal_of, principal_of
from apps.accounts.keys.token import PREFIX
from apps.accounts.models import User
from apps.accounts.tokens import read_access
from apps.core.lane.identity import Principal


def _token_of(authorization: str) -> str | None:
    scheme, _space, token = authorization.partition(" ")
    return token if scheme.lower() == "bearer" and token else None


async def identify(authorization: str, address: str) -> Principal | None:
    """The hot lane's authenticator: believes the claims, asks no database for a key it has seen lately.

    Raises `TokenInvalid`, or what `aprincipal_of` raises.
    """
    token = _token_of(authorization)
    if token is None:
        return None
    if token.startswith(PREFIX):
        return await aprincipal_of(token, address)
    claims = read_access(token)
    return Principal(claims.user_id, claims.username, claims.roles, claims.epoch)


class BearerAuthentication(BaseAuthentication):
    """The Django lane's authenticator: the user must still be active and the token of the current epoch.

    Who comes with an API key has it as `request.user.key_grant`.
    """

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        token = _token_of(request.headers.get("Authorization", ""))
        if token is None:
            return None
        if token.startswith(PREFIX):
            return _owner(token, request.META.get("REMOTE_ADDR", "")), token
        claims = read_access(token)
        user = User.objects.filter(pk=claims.user_id, is_active=True, token_epoch=claims.epoch).first()
        if user is None:
            raise TokenInvalid()
        return user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _owner(token: str, address: str) -> User:
    principal = principal_of(token, address)
    user = User.objects.filter(pk=principal.user_id, is_active=True).first()
    if user is None:
        raise KeyInvalid()
    user.key_grant = principal.key
    return user


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT or pk-…"}
