"""One error shape, whatever failed and in whichever lane."""

import importlib
import pkgutil
import re
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.utils import translation
from redis.exceptions import ConnectionError as RedisConnectionError
from rest_framework import exceptions as drf
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from starlette.requests import Request as HotRequest
from starlette.responses import Response as HotResponse

import apps
from apps.core.error_handling import to_api_error
from apps.core.errors import CATALOGUE, ApiError, InvalidRequest
from apps.core.lane import app as lane
from apps.core.lane.app import HotRoute
from apps.core.permissions import Public
from config import asgi
from tests.conftest import Api

SHAPE = {"code", "reason", "message", "requestId", "retryable"}


def _fail(request: HttpRequest, kind: str) -> HttpResponse:
    raise {"missing": Http404(), "denied": PermissionDenied(), "crash": RuntimeError("secret-detail")}[kind]


class FailingView(APIView):
    permission_classes = [Public]

    def get(self, request: Request, kind: str) -> Response:
        raise {
            "missing": drf.NotFound(),
            "denied": drf.PermissionDenied(),
            "crash": RuntimeError("secret-detail"),
            "invalid": drf.ValidationError({"size": ["Too large."]}),
            "database": OperationalError("secret-detail"),
            "redis": RedisConnectionError("secret-detail"),
        }[kind]


urlpatterns = [path("plain/<slug:kind>", _fail), path("drf/<slug:kind>", FailingView.as_view())]
handler400 = "apps.core.error_handling.bad_request"
handler403 = "apps.core.error_handling.permission_denied"
handler404 = "apps.core.error_handling.not_found"
handler500 = "apps.core.error_handling.server_error"


def every_error() -> list[type[ApiError]]:
    for module in pkgutil.walk_packages(apps.__path__, "apps."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return list(CATALOGUE.values())


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/plain/missing", 404, "CORE_2003"),
        ("/plain/denied", 403, "CORE_2002"),
        ("/plain/crash", 500, "CORE_5000"),
        ("/drf/missing", 404, "CORE_2003"),
        ("/drf/denied", 403, "CORE_2002"),
        ("/drf/crash", 500, "CORE_5000"),
        ("/drf/database", 503, "CORE_5001"),
        ("/drf/redis", 503, "CORE_5001"),
        ("/nowhere", 404, "CORE_2003"),
    ],
)
def test_answer__failure__has_the_one_shape(db, client, address, status, code):
    client.raise_request_exception = False

    answer = client.get(address, headers={"X-Request-Id": "request-0001"})

    body = answer.json()
    assert (answer.status_code, body["code"], body["requestId"]) == (status, code, "request-0001")
    assert set(body) == SHAPE
    assert answer["X-Request-Id"] == "request-0001"
    assert "secret-detail" not in answer.content.decode()
    assert "Traceback" not in answer.content.decode()


@pytest.mark.urls(__name__)
def test_answer__field_errors__name_pointer_code_and_message(db, client):
    answer = client.get("/drf/invalid")

    assert answer.status_code == 400
    assert answer.json()["details"] == {"errors": [{"pointer": "/size", "code": "invalid", "message": "Too large."}]}


def test_answer__hot_lane_crash__has_the_one_shape(db, monkeypatch):
    async def crash(request: HotRequest) -> HotResponse:
        raise RuntimeError("secret-detail")

    async def refuse(request: HotRequest) -> HotResponse:
        raise InvalidRequest(details={"errors": []})

    routes = [HotRoute("/boom", crash, "public"), HotRoute("/refuse", refuse, "public"), HotRoute("/in", crash, "user")]
    monkeypatch.setattr(lane, "routes", routes)
    monkeypatch.setattr(asgi, "hot_lane", lane.build())

    crashed, refused, anonymous = (Api().get(address) for address in ("/boom", "/refuse", "/in"))

    assert (crashed.status_code, set(crashed.json()), crashed.json()["code"]) == (500, SHAPE, "CORE_5000")
    assert "secret-detail" not in crashed.text
    assert (refused.status_code, set(refused.json())) == (400, SHAPE | {"details"})
    assert (anonymous.status_code, anonymous.json()["code"]) == (401, "CORE_2001")


@pytest.mark.parametrize("address", ["/api/v1/auth/me", "/api/v1/tasks/1/stream"])
def test_answer__anonymous__names_the_scheme_in_both_lanes(db, address):
    answer = Api().get(address)

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [("PUT", "/api/v1/auth/me", 405), ("POST", "/api/v1/auth/login", 415), ("GET", "/api/v1/none", 404)],
)
def test_answer__wrong_use__has_the_one_shape(db, member, method, address, status):
    extra = {"content": "a=b", "headers": {"Content-Type": "text/csv"}} if status == 415 else {}

    answer = Api(member if status == 405 else None).request(method, address, **extra)

    assert answer.status_code == status
    assert set(answer.json()) == SHAPE


@pytest.mark.parametrize("body", ["{", "[]", "null", '"text"', "\xff", "1" * 5000])
def test_answer__broken_json__is_a_clean_400(db, body):
    answer = Api().post(
        "/api/v1/auth/login", content=body.encode("latin-1"), headers={"Content-Type": "application/json"}
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "CORE_2000")


def test_map__model_validation__names_each_field():
    refused = to_api_error(ValidationError({"cost": ValidationError("Too much.", code="max")}))

    assert refused.details == {"errors": [{"pointer": "/cost", "code": "max", "message": "Too much."}]}


def test_map__plain_validation__names_the_whole():
    refused = to_api_error(ValidationError("No.", code="no"))

    assert refused.details == {"errors": [{"pointer": "", "code": "no", "message": "No."}]}


def test_catalogue__every_error__is_complete():
    problems = [
        error.__qualname__
        for error in every_error()
        if not re.fullmatch(r"[A-Z]+_[25]\d{3}", error.code)
        or not re.fullmatch(r"E_[A-Z0-9_]+", error.reason)
        or not 400 <= error.status < 600
        or (error.code.split("_")[1][0] == "2" and error.status >= 500)
        or not _english(error).strip()
    ]

    assert problems == []


def test_catalogue__codes_and_reasons__are_unique():
    found = every_error()

    assert len({error.code for error in found}) == len(found) > 40
    assert len({error.reason for error in found}) == len(found)


def test_declare__taken_code__is_refused_at_import():
    with pytest.raises(TypeError, match="CORE_2000 is taken by InvalidRequest"):
        type("Impostor", (ApiError,), {"code": "CORE_2000"})

    assert CATALOGUE["CORE_2000"] is InvalidRequest


def _english(error: type[ApiError]) -> Any:
    with translation.override("en"):
        return str(error.message)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_hot_lane__another_method__405_in_the_one_shape(db, method):
    answer = Api().request(method, "/api/v1/ui/menus")

    assert (answer.status_code, answer.json()["code"]) == (405, "CORE_2004")
