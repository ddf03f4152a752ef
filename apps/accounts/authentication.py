"""`Authorization: Bearer <access token>`, for both lanes."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.accounts.errors import TokenInvalid
from apps.accounts.models import User
from apps.accounts.tokens import read_access
from apps.core.lane.identity import Principal


def _token_of(authorization: str) -> str | None:
    scheme, _space, token = authorization.partition(" ")
    return token if scheme.lower() == "bearer" and token else None


async def identify(authorization: str, address: str) -> Principal | None:
    """The hot lane's authenticator: believes the claims, asks no database. Raises `TokenInvalid`."""
    token = _token_of(authorization)
    if token is None:
        return None
    claims = read_access(token)
    return Principal(claims.user_id, claims.username, claims.roles, claims.epoch)


class BearerAuthentication(BaseAuthentication):
    """The Django lane's authenticator: the user must still be active and the token of the current epoch."""

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        token = _token_of(request.headers.get("Authorization", ""))
        if token is None:
            return None
        claims = read_access(token)
        user = User.objects.filter(pk=claims.user_id, is_active=True, token_epoch=claims.epoch).first()
        if user is None:
            raise TokenInvalid()
        return user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
