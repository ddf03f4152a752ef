"""The tokens of servers: sealed when they are entered, opened when a connection is."""

from typing import Any, Literal

from asgiref.sync import sync_to_async

from apps.core.crypto import SecretUnreadable, decrypt, encrypt, mask
from apps.mcp.errors import TokenUnreadable
from apps.mcp.models import Secret, Server
from apps.mcp.sessions import FindCredential
from apps.mcp.target import Credential, Target

State = Literal["none", "set", "unreadable"]


def seal(server: Server, plaintext: str) -> Secret:
    """Keep `plaintext` as the token of `server`, in place of a former one. For services, in their transaction."""
    secret = Secret.objects.filter(server=server).first() or Secret(server=server, revision=0)
    secret.blob = encrypt(plaintext, bound_to=secret.bound_to)
    secret.hint = mask(plaintext)
    secret.revision += 1
    secret.save()
    return secret


def state(server: Server) -> State:
    """Whether there is a token, and whether the keys at hand open it."""
    secret: Any = getattr(server, "secret", None)
    if secret is None:
        return "none"
    try:
        decrypt(secret.blob, bound_to=secret.bound_to)
    except SecretUnreadable:
        return "unreadable"
    return "set"


def credential_of(server: Server) -> Credential:
    """What to send to `server`. Raises `TokenUnreadable`."""
    secret: Any = Secret.objects.filter(server=server).first()
    return Credential(server.token_header, _opened(secret, server.key) if secret else "")


def stored_credential(target: Target) -> FindCredential:
    """Reads the token when a session is opened, and not before."""

    async def find() -> Credential:
        if not target.token_revision:
            return Credential(target.token_header)
        return await sync_to_async(_read)(target)

    return find


def _read(target: Target) -> Credential:
    secret = Secret.objects.filter(server_id=target.server_id or 0).first()
    if secret is None:
        raise TokenUnreadable(server=target.server)
    return Credential(target.token_header, _opened(secret, target.server))


def _opened(secret: Secret, server_key: str) -> str:
    try:
        return decrypt(secret.blob, bound_to=secret.bound_to)
    except SecretUnreadable as exc:
        raise TokenUnreadable(server=server_key) from exc
