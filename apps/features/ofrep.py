"""`/ofrep/v1/evaluate/flags[/{key}]`: OpenFeature's remote evaluation protocol, in the hot lane.

A caller evaluates for itself. Staff who may read features may name somebody else in the context.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
from django.utils.translation import gettext_lazy as _
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from apps.accounts.roles import STAFF
from apps.core.aio import in_thread
from apps.core.config import Person, reader
from apps.core.error_handling import error_headers
from apps.core.errors import ApiError, Forbidden, Unauthenticated
from apps.core.lane.app import HotRoute
from apps.core.lane.body import read_json
from apps.core.lane.identity import Principal
from apps.features.delivery import Reading, deliver, passing, person_of, reading_for, shared
from apps.features.evaluation import Evaluation, evaluate, may_evaluate_others, somebody
from apps.features.publishing import SCOPE


class FlagUnknown(ApiError):
    code, reason, status = "FEATURES_2050", "E_FLAG_UNKNOWN", 404
    message = _("There is no released feature “%(key)s” for this person.")


class ContextInvalid(ApiError):
    code, reason, status = "FEATURES_2051", "E_CONTEXT_INVALID", 400
    message = _("The context is an object; its targetingKey is text, its roles are a list of texts.")


class TargetMissing(ApiError):
    code, reason, status = "FEATURES_2052", "E_TARGET_MISSING", 400
    message = _("The context names roles, but no targetingKey to say whose.")


_CODES: dict[type[ApiError], str] = {
    FlagUnknown: "FLAG_NOT_FOUND",
    ContextInvalid: "INVALID_CONTEXT",
    TargetMissing: "TARGETING_KEY_MISSING",
}
_UNREADABLE = {400, 413, 415}  # statuses of a body that could not be read


@dataclass(frozen=True)
class Target:
    """Whom the context names: an id or user name, and roles; both may be missing."""

    name: str | None = None
    roles: frozenset[str] | None = None

    LONGEST: ClassVar[int] = 200  # characters of a name
    MOST: ClassVar[int] = 50  # roles


def refuse(request: Request, error: ApiError) -> Response:
    """`error` in the protocol's shape."""
    code = _CODES.get(type(error)) or ("PARSE_ERROR" if error.status in _UNREADABLE else "GENERAL")
    body = {"errorCode": code, "errorDetails": str(error)}
    if key := request.path_params.get("key"):
        body = {"key": key, **body}
    return JSONResponse(body, status_code=error.status, headers=error_headers(error))


async def evaluate_one(request: Request) -> Response:
    """One flag. Raises `FlagUnknown` for what the person may not see, too."""
    reading, insider = await _asked(request)
    key = request.path_params["key"]
    found = (await in_thread(lambda: evaluate(reading, reading.released(), insider=insider))()).get(key)
    if found is None:
        raise FlagUnknown(key=key)
    return passing(msgspec.json.encode(found), reading)


async def evaluate_all(request: Request) -> Response:
    """Every flag that the person may know of; 304 when the caller has them."""
    reading, insider = await _asked(request)
    chosen = reader.candidates_for(SCOPE, Person(roles=reading.person.roles))

    def encoded() -> bytes:
        released = reading.released()
        flags = list(evaluate(reading, released, insider=insider).values())
        return shared(released, msgspec.json.encode({"flags": flags, "metadata": {"revision": reading.revision}}))

    address = reading.address(request.url.path, insider, tuple(sorted(chosen)))
    return await deliver(request, reading, address, encoded)


async def _asked(request: Request) -> tuple[Reading, bool]:
    """Whose flags are wanted, and whether the caller may know of those that are switched off."""
    principal: Principal | None = request.state.principal
    target = _target(await read_json(request))
    insider = await _is_insider(principal)
    return await reading_for(await _person(principal, target, insider=insider)), insider


async def _is_insider(principal: Principal | None) -> bool:
    """The token's roles rule out most callers; the database decides about the others."""
    if principal is None or not principal.roles & STAFF or (principal.key is not None and not principal.key.admin):
        return False
    return await in_thread(may_evaluate_others)(principal.user_id, principal.epoch)


async def _person(principal: Principal | None, target: Target, *, insider: bool) -> Person:
    """Whom to evaluate for. Raises `TargetMissing`, `Unauthenticated` or `Forbidden`.

    A visitor's targeting key is its own business: SDKs have to send one, and nobody is evaluated by it.
    """
    if target.roles is not None and target.name is None:
        raise TargetMissing()
    if target.roles is None and _is_self(principal, target.name):
        return person_of(principal)
    if principal is None:
        raise Unauthenticated()
    if not insider:
        raise Forbidden()
    return await in_thread(somebody)(target.name or "", target.roles)


def _is_self(principal: Principal | None, name: str | None) -> bool:
    return principal is None or name is None or name in (str(principal.user_id), principal.username)


def _target(body: Any) -> Target:
    """What the body says of the person. Raises `ContextInvalid`; other properties of the context are allowed."""
    if not isinstance(body, dict):
        raise ContextInvalid()
    context = body.get("context")
    if context is None:
        return Target()
    if not isinstance(context, dict):
        raise ContextInvalid()
    name, roles = context.get("targetingKey"), context.get("roles")
    if not _is_name(name) or not _are_roles(roles):
        raise ContextInvalid()
    return Target(name or None, None if roles is None else frozenset(roles))


def _is_name(name: Any) -> bool:
    return name is None or (isinstance(name, str) and len(name) <= Target.LONGEST)


def _are_roles(roles: Any) -> bool:
    if roles is None:
        return True
    return isinstance(roles, list) and len(roles) <= Target.MOST and all(isinstance(role, str) for role in roles)


# --- documentation ----------------------------------------------------------------------------

_REF = "#/components/schemas/{name}"
_FAILURE = {
    "type": "object",
    "required": ["errorCode"],
    "properties": {
        "key": {"type": "string"},
        "errorCode": {
            "type": "string",
            "enum": ["FLAG_NOT_FOUND", "PARSE_ERROR", "INVALID_CONTEXT", "TARGETING_KEY_MISSING", "GENERAL"],
        },
        "errorDetails": {"type": "string"},
    },
}
_CONTEXT = {
    "type": "object",
    "description": "Whom to evaluate for; staff only, others evaluate for themselves",
    "properties": {
        "targetingKey": {"type": "string", "description": "An id or a user name"},
        "roles": {"type": "array", "items": {"type": "string"}, "description": "Instead of those the person has"},
    },
}
_REQUEST = {"type": "object", "properties": {"context": _CONTEXT}}
_FLAGS = {
    "type": "object",
    "required": ["flags"],
    "properties": {
        "flags": {"type": "array", "items": {"$ref": _REF.format(name="Evaluation")}},
        "metadata": {"type": "object", "properties": {"revision": {"type": "integer"}}},
    },
}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _operation(operation_id: str, summary: str, answer: dict[str, Any], failures: tuple[str, ...]) -> dict[str, Any]:
    """An operation of the protocol; all its refusals have one shape."""
    refused = {"description": "Refused", "content": _json({"$ref": _REF.format(name="EvaluationFailure")})}
    return {
        "operationId": operation_id,
        "summary": summary,
        "tags": ["ofrep"],
        "requestBody": {"content": _json(_REQUEST)},
        "responses": {
            "200": {"description": summary, "content": _json(answer)},
            **dict.fromkeys([*failures, "default"], refused),
        },
    }


def _components() -> dict[str, Any]:
    _roots, found = msgspec.json.schema_components((Evaluation,), ref_template=_REF)
    return {**found, "EvaluationFailure": _FAILURE}


_ONE = _operation(
    "ofrep_evaluate", "One feature as a flag", {"$ref": _REF.format(name="Evaluation")}, ("400", "401", "403", "404")
)
_ALL = _operation("ofrep_evaluate_all", "All features as flags", _FLAGS, ("400", "401", "403"))
_ALL["responses"]["304"] = {"description": "Unchanged since an ETag of `If-None-Match`."}
ROUTES = [
    HotRoute(path, endpoint, "public", operation, methods=("POST",), components=_components(), refusal=refuse)
    for path, endpoint, operation in (
        ("/ofrep/v1/evaluate/flags", evaluate_all, _ALL),
        ("/ofrep/v1/evaluate/flags/{key}", evaluate_one, _ONE),
    )
]
