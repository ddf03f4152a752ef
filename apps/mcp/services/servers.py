"""Where tool servers are, and what they are told so that they know us."""

from collections.abc import Mapping
from typing import Any

import structlog
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F

from apps.core.errors import InvalidRequest, NotFound, StaleRevision
from apps.core.permissions import allows
from apps.core.publishing.services import release
from apps.core.publishing.usage import refuse_used
from apps.mcp import tokens
from apps.mcp.catalogue import KEY, SCOPE, collect
from apps.mcp.errors import ServerKeyTaken, TokenNeeded, TokenRight
from apps.mcp.models import Secret, Server

log = structlog.get_logger("mcp")

EDITABLE = frozenset(
    {
        "name",
        "transport",
        "catalogue_id",
        "url",
        "token_header",
        "timeout_seconds",
        "max_retries",
        "pin_version",
        "enabled",
    }
)
# A token was entered for these; it goes nowhere else.
ADDRESS = frozenset({"transport", "url", "token_header"})


def server(key: str) -> Server:
    """The row. Raises `NotFound`."""
    found = Server.objects.select_related("secret").filter(key=key).first()
    if found is None:
        raise NotFound()
    return found


def release_catalogue(*, by: Any) -> None:
    """Where a server is takes effect at once; which tools a feature may use is part of the feature's release."""
    release(SCOPE, KEY, collect, by=by)


def create_server(key: str, fields: Mapping[str, Any], *, token: str = "", by: Any) -> Server:
    """A new server at revision 1, with nothing discovered yet.

    Raises `ServerKeyTaken`, `TokenRight`, `InvalidRequest` for unknown fields, `ValidationError` for unfit ones.
    """
    _refuse_unknown(fields)
    row = Server(key=key, **fields)
    try:
        with transaction.atomic():
            _save(row, by=by)
            if token:
                _seal(row, token, by=by)
            release_catalogue(by=by)
    except IntegrityError as exc:
        raise ServerKeyTaken(key=key) from exc
    log.info("server.created", server=key, transport=row.transport, by=_who(by))
    return row


def update_server(
    key: str, changes: Mapping[str, Any], *, expected_revision: int, token: str | None = "", by: Any
) -> Server:
    """Change fields of a server; `token` "" keeps the present one, None removes it.

    Raises `StaleRevision`, `PartInUse` when a server that features need is switched off, `TokenNeeded` when the
    address changes under a kept token, `TokenRight`, `InvalidRequest`, `ValidationError`.
    Concurrency: the revision is claimed by a conditional update before anything is written.
    """
    _refuse_unknown(changes)
    with transaction.atomic():
        row = claim_server(key, expected_revision)
        _refuse_kept_token(row, changes, token)
        if row.enabled and changes.get("enabled") is False:
            refuse_used("server", [key])
        for field, value in changes.items():
            setattr(row, field, value)
        _save(row, by=by)
        if token is None:
            remove_token(row, by=by)
        elif token:
            _seal(row, token, by=by)
        release_catalogue(by=by)
    log.info("server.changed", server=key, fields=sorted(changes), token=token != "", by=_who(by))
    return server(key)


def delete_server(key: str, *, expected_revision: int, by: Any) -> None:
    """Delete the server, its token and its tools; the history stays. Raises `PartInUse`, `StaleRevision`."""
    with transaction.atomic():
        row = claim_server(key, expected_revision)
        refuse_used("server", [key])
        row._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
        row.delete()
        release_catalogue(by=by)
    log.info("server.deleted", server=key, by=_who(by))


def claim_server(key: str, expected_revision: int) -> Server:
    """The row, counted up to the next revision. Raises `NotFound`, `StaleRevision`. For use in a transaction."""
    rows = Server.objects.filter(key=key)
    if not rows.filter(revision=expected_revision).update(revision=F("revision") + 1):
        raise StaleRevision(details={"revision": server(key).revision})
    return server(key)


@transaction.atomic
def set_token(row: Server, token: str, *, by: Any) -> Secret:
    """Seal and keep the token; sessions are opened anew with it everywhere. Raises `TokenRight`."""
    secret = _seal(row, token, by=by)
    release_catalogue(by=by)
    return secret


def remove_token(row: Server, *, by: Any) -> None:
    """Forget the token. Raises `TokenRight`. For use in a transaction that releases the catalogue."""
    _check_right(by)
    Secret.objects.filter(server=row).delete()
    log.info("token.removed", server=row.key, by=_who(by))


def _seal(row: Server, token: str, *, by: Any) -> Secret:
    _check_right(by)
    if not (token.isascii() and token.isprintable()):
        raise ValidationError({"token": "Only plain characters can be sent in a header."})
    secret = tokens.seal(row, token)
    log.info("token.entered", server=row.key, by=_who(by))
    return secret


def _check_right(by: Any) -> None:
    """Without a person it is a command of whoever runs the machine."""
    if by is not None and not allows(by, "secrets:write"):
        raise TokenRight()


def _refuse_kept_token(row: Server, changes: Mapping[str, Any], token: str | None) -> None:
    moved = any(getattr(row, field) != changes.get(field, getattr(row, field)) for field in ADDRESS)
    if moved and token == "" and hasattr(row, "secret"):
        raise TokenNeeded()


def _refuse_unknown(fields: Mapping[str, Any]) -> None:
    unknown = sorted(set(fields) - EDITABLE)
    if unknown:
        errors = [{"pointer": f"/{name}", "code": "unknown", "message": name} for name in unknown]
        raise InvalidRequest(details={"errors": errors})


def _save(row: Server, *, by: Any) -> None:
    """Raises `ValidationError`, `ServerKeyTaken`."""
    try:
        row.full_clean()
    except ValidationError as exc:
        if any(error.code == "unique" for error in exc.error_dict.get("key", [])):
            raise ServerKeyTaken(key=row.key) from exc
        raise
    row._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
    row.save()


def _who(by: Any) -> Any:
    return by.pk if by else None
