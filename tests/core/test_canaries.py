"""Secrets go in by every door and are used; then all that is left behind and all that was answered is searched."""

import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import httpx
import pytest
import structlog
from asgiref.sync import async_to_sync
from django.conf import settings as installed
from django.test import Client
from django.urls import reverse
from starlette.responses import JSONResponse

from apps.accounts.keys.scopes import scopes
from apps.accounts.keys.services import create_key, revoke_key
from apps.accounts.models import ApiKey
from apps.accounts.tokens import sign_access
from apps.core import aio, assets, redis
from apps.core.http import session
from apps.mcp.models import Server
from apps.providers.models import Endpoint, Offer, UsageRow
from apps.providers.services import release_catalogue, set_secret
from apps.providers.usage import writer
from apps.providers.usage.consumer import write_pending
from apps.tasks.models import Event, Task
from tests.conftest import Api, connections_kept
from tests.core import traces
from tests.core.parrot import WAYS, Parrot
from tests.mcp.builders import allow, call, close_sessions, make_server
from tests.mcp.raw_server import Refuse, Script, http_server
from tests.tasks.builders import echo_graph, make_feature
from tests.tasks.working import worker

pytestmark = pytest.mark.django_db(transaction=True)

CHAT, UNIFIED = "/v1/chat/completions", "/api/v1/ai/chat"
SHOWN_OF_KEYS = 8  # characters of an API key that lists show, so that its owner knows which it is


class Scene:
    """What was answered so far; `leaks` looks there and everywhere else."""

    def __init__(self, log: StringIO) -> None:
        self._log, self._seen = log, ""

    def saw(self, *answers: Any) -> None:
        """Remember answers of the API's client, of Django's, or texts."""
        for answer in answers:
            text = answer if isinstance(answer, str) else f"{dict(answer.headers)!r} {answer.content.decode()}"
            self._seen += text + "\n"

    @property
    def log(self) -> str:
        """All that was logged."""
        return self._log.getvalue()

    def leaks(self, *canaries: str, shown: int = 8) -> list[tuple[str, str, str]]:
        """(canary, shape, place) of each trace."""
        places = {"answers": self._seen, "log": self.log, **traces.everything()}
        return [
            (secret, shape, where)
            for secret in canaries
            for shape in traces.shapes(secret, shown=shown)
            for where, text in places.items()
            if shape in text
        ]


@pytest.fixture
def scene(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    manifest = {entry: {"file": "x-1.js"} for entry in ("src/boot.ts", "src/admin.tsx", "src/storefront.tsx")}
    monkeypatch.setattr(assets, "_manifest", lambda: manifest)
    with traces.journal() as log:
        yield Scene(log)


def signed_in(user: Any) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def pages(scene: Scene, client: Client, model: str, pk: Any) -> None:
    """All that the admin shows of one row, and the list, the history and the front page."""
    scene.saw(client.get(reverse(f"admin:{model}_changelist")), client.get(reverse("admin:index")))
    for name in ("change", "history", "delete"):
        scene.saw(client.get(reverse(f"admin:{model}_{name}", args=[pk])))


def test_search__what_is_there__is_found_wherever_it_is(scene):
    canary = "Kanarie0~self~5Tg7Yh9Uj1"
    redis.client().hset("somewhere", "field", canary)
    Endpoint.objects.create(key="one", name=canary, handler_key="mock")
    structlog.get_logger("core").error("request.crashed", exc_info=RuntimeError(canary))
    scene.saw(canary)

    assert {where for _secret, _shape, where in scene.leaks(canary)} == {"answers", "log", "redis", "rows"}


# --- keys of model services ------------------------------------------------------------------------

MODEL_KEYS = {
    "openai": "sk-Kanarie1-openai-7Qx9Lm2Vw8Zt",
    "anthropic": "Kanarie2.anthropic.4Rt6Yb1Nc3Xd/+=",
    "gemini": "Kanarie3~gemini~8Hg5Fs0Pk7Jw",
}


@pytest.fixture
def parrot() -> Iterator[tuple[Parrot, int]]:
    bird = Parrot()
    with http_server(bird.app) as port:
        yield bird, port


def make_endpoints(port: int) -> None:
    for handler, key in MODEL_KEYS.items():
        row = Endpoint.objects.create(
            key=handler, name=handler, handler_key=handler, base_url=f"http://127.0.0.1:{port}/v1", max_retries=0
        )
        Offer.objects.create(endpoint=row, model=f"m-{handler}", capabilities=["chat"])
        set_secret(row, key, by=None)
    release_catalogue(by=None)


def ask(authorization: str, *calls: tuple[str, str, Any]) -> list[httpx.Response]:
    """What each (method, path, body) is answered, all in one loop, whose connections are closed at its end."""

    async def work() -> list[httpx.Response]:
        from config.asgi import application

        transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)  # type: ignore[arg-type]
        headers = {"Authorization": authorization}
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=headers) as client:
            found = [await client.request(method, path, json=body) for method, path, body in calls]
        await session().close()
        return found

    with connections_kept():
        return async_to_sync(work)()


def chat(model: str, *, stream: bool = False) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Tea?"}], "stream": stream}


def test_model_keys__servers_that_repeat_them_in_every_failure__stand_nowhere(scene, parrot, operator):
    bird, port = parrot
    make_endpoints(port)
    bearer, client = f"Bearer {sign_access(operator)}", signed_in(operator)
    calls = [
        call
        for handler in MODEL_KEYS
        for call in (
            ("POST", CHAT, chat(f"m-{handler}")),
            ("POST", CHAT, chat(f"m-{handler}", stream=True)),
            ("POST", UNIFIED, chat(f"m-{handler}")),
            ("POST", UNIFIED, chat(f"m-{handler}", stream=True)),
            ("POST", f"/api/v1/admin/providers/{handler}/test", {}),
        )
    ]
    statuses = set()

    for way in WAYS:
        bird.way = way
        redis.client().flushdb()  # no circuit stays open, so that every server is asked in every way
        answers = ask(bearer, *calls)
        scene.saw(*answers)
        statuses |= {answer.status_code for answer in answers}
    writer.flush()
    write_pending()
    for row in Endpoint.objects.all():
        pages(scene, client, "providers_endpoint", row.pk)
    lists = ("/api/v1/admin/providers", "/api/v1/admin/usage", "/api/v1/ui/models")
    scene.saw(*ask(bearer, *(("GET", path, None) for path in lists)))

    assert {key: bird.heard.count(key) >= 4 * len(WAYS) for key in MODEL_KEYS.values()} == dict.fromkeys(
        MODEL_KEYS.values(), True
    )
    assert 500 not in statuses
    assert UsageRow.objects.exists()
    assert scene.leaks(*MODEL_KEYS.values()) == []


def test_model_key__feature_whose_model_fails__is_in_no_event_of_the_task(scene, parrot, member, operator, monkeypatch):
    bird, port = parrot
    make_endpoints(port)
    node = {"id": "say", "type": "llm_chat", "config": {"capability": "chat"}, "inputs": {"text": "{{ start.text }}"}}
    make_feature(graph=echo_graph(node))

    for bird.way in ("401", "500", "event later"):
        redis.client().flushdb()
        with worker(monkeypatch):
            scene.saw(Api(member).post("/api/v1/tasks", json={"feature": "echo", "input": {"text": "Tea?"}}))
    aio.run(close_outbound(), timeout=30)
    for task in Task.objects.all():
        scene.saw(*(Api(member).get(f"/api/v1/tasks/{task.pk}{rest}") for rest in ("", "/events")))
        pages(scene, signed_in(operator), "tasks_task", task.pk)

    assert [task.status for task in Task.objects.all()] == ["failed"] * 3
    assert Event.objects.filter(type="failed").count() == 3
    assert scene.leaks(*MODEL_KEYS.values()) == []


async def close_outbound() -> None:
    await session().close()


# --- API keys --------------------------------------------------------------------------------------


def test_api_keys__used_misused_revoked_and_in_wrong_places__stand_nowhere(scene, member, operator):
    Offer.objects.create(
        endpoint=Endpoint.objects.create(key="mock", name="Mock", handler_key="mock"),
        model="mock-chat",
        capabilities=["chat"],
    )
    release_catalogue(by=None)
    made = create_key(operator, by=operator, name="used", scopes=scopes(admin=True), budget=0)
    revoked = create_key(member, by=member, name="revoked", scopes=scopes())
    narrow = create_key(member, by=member, name="narrow", scopes=scopes(models=["other"], ips=["203.0.113.0/24"]))
    revoke_key(revoked.row.pk, by=member)
    tokens = [one.token for one in (made, revoked, narrow)]
    client = signed_in(operator)

    for token in tokens:
        misplaced = [
            ("GET", f"/v1/models/{token}", None),
            ("GET", f"/{token}", None),
            ("GET", f"/api/v1/tasks/{token}?api_key={token}", None),
            ("POST", f"/v1/chat/completions?key={token}", chat(token)),
            ("POST", "/api/v1/api-keys", {"name": token * 3, "budget": token, "scopes": {"ips": [token]}}),
            ("POST", UNIFIED, {"api_key": token, "model": token, "strategy": token, "messages": token}),
            ("POST", "/api/v1/auth/refresh", {"refresh": token}),
        ]
        used = [("POST", CHAT, chat("mock-chat")), ("POST", "/mcp", {}), ("GET", "/api/v1/admin/providers", None)]
        for bearer in (f"Bearer {token}", f"Bearer {token}x", f"bearer  {token}"):
            answers = ask(bearer, *used, *misplaced)
            scene.saw(*(_without(answer, token) for answer in answers))
    writer.flush()
    write_pending()
    for key in ApiKey.objects.all():
        pages(scene, client, "accounts_apikey", key.pk)
    lists = [("GET", path, None) for path in ("/api/v1/api-keys", "/api/v1/admin/api-keys", "/api/v1/admin/usage")]
    scene.saw(*ask(f"Bearer {sign_access(operator)}", *lists))

    assert scene.leaks(*tokens, shown=SHOWN_OF_KEYS + 1) == []


def _without(answer: httpx.Response, token: str) -> str:
    """The answer less what the caller wrote into the request itself: its own words may come back to it alone."""
    sent = {str(answer.request.url), answer.request.content.decode()}
    return "" if any(token in text for text in sent) else answer.text


def test_new_api_key__is_in_the_answer_that_made_it_and_nowhere_else(scene, member, operator):
    answer = Api(member).post("/api/v1/api-keys", json={"name": "shop"})
    page = signed_in(operator).post(
        reverse("admin:accounts_apikey_add"),
        {"name": "desk", "user": operator.pk, "budget": "", "budget_period": "total"},
    )

    tokens = [answer.json()["key"], *re.findall(r"pk-[A-Za-z0-9_-]{43}", page.content.decode())[:1]]
    for key in ApiKey.objects.all():
        pages(scene, signed_in(operator), "accounts_apikey", key.pk)
    scene.saw(Api(member).get("/api/v1/api-keys"))

    assert len(tokens) == 2
    assert scene.leaks(*tokens, shown=SHOWN_OF_KEYS + 1) == []


# --- tokens of tool servers ------------------------------------------------------------------------

TOOL_TOKEN = "Kanarie4-tools-3Wd8Kf6Lp2Mz"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 200])
def test_tool_token__server_that_repeats_it__stands_nowhere(scene, operator, status):
    script = Script()
    words = f"no: {TOOL_TOKEN} (Bearer {TOOL_TOKEN}) {TOOL_TOKEN[:9]}...{TOOL_TOKEN[-9:]}"
    with http_server(script) as port:
        server = make_server(port, token=TOOL_TOKEN)
        approved = allow(server)
        if status == 200:
            script.call = lambda _message: {"error": {"code": -32000, "message": words, "data": {"sent": words}}}
        else:
            script.before = _refusing(status, words)
        (told,) = call(approved, {"text": "Tea?"})
        scene.saw(f"{told!r} {getattr(told, 'details', '')!r} {told}")
        api = Api(operator)
        scene.saw(
            api.post("/api/v1/admin/mcp/raw/discover"), api.get("/api/v1/admin/mcp"), api.get("/api/v1/admin/mcp/raw")
        )
        body = {"tool": "raw/echo", "arguments": {"text": "Tea?"}}
        scene.saw(*(api.post("/api/v1/ai/tools/run", json=body | {"stream": stream}) for stream in (False, True)))
        pages(scene, signed_in(operator), "mcp_server", Server.objects.get().pk)
        close_sessions()

    assert any(TOOL_TOKEN in str(headers) for headers in script.headers)
    assert scene.leaks(TOOL_TOKEN) == []


def _refusing(status: int, words: str) -> Any:
    def before(_request: Any) -> None:
        raise Refuse(
            JSONResponse({"error": {"message": words}, "detail": words}, status, headers={"X-Why": TOOL_TOKEN})
        )

    return before


# --- people and the installation's own -------------------------------------------------------------

PASSWORD, WRONG = "Kanarie5-password-9Hj2", "Kanarie6-mistyped-4Gt7"


def test_passwords_and_tokens__of_people__stand_nowhere(scene, member, operator):
    for person in (member, operator):
        person.set_password(PASSWORD)
        person.save()
    login = "/api/v1/auth/login"

    good = Api().post(login, json={"username": member.username, "password": PASSWORD}).json()
    again = Api().post("/api/v1/auth/refresh", json={"refresh": good["refresh"]}).json()
    scene.saw(Api().post("/api/v1/auth/refresh", json={"refresh": good["refresh"]}))  # used already: all of them end
    scene.saw(Api().get("/api/v1/auth/me", headers={"Authorization": f"Bearer {again['access']}x"}))
    scene.saw(Api().post(login, json={"username": WRONG, "password": WRONG[1:]}))
    page = Client()
    scene.saw(page.post("/admin/login/", {"username": operator.username, "password": WRONG}))
    scene.saw(page.post("/admin/login/", {"username": operator.username, "password": PASSWORD}))
    pages(scene, page, "accounts_user", member.pk)

    tokens = [pair[name] for pair in (good, again) for name in ("access", "refresh")]
    assert scene.leaks(PASSWORD, WRONG[1:], *(token[-40:] for token in tokens)) == []


def test_installation__its_own_secrets__stand_in_no_page_no_log_and_no_crash(scene, operator, settings, monkeypatch):
    settings.DEBUG = False
    own = [installed.SECRET_KEY, *installed.SIGNING_KEYS, *(ring.partition(":")[2] for ring in installed.MASTER_KEYS)]
    client = signed_in(operator)
    for path in ("/health", "/readyz", "/version", "/openapi.json", "/metrics", "/nowhere", "/admin/nowhere/"):
        scene.saw(client.get(path), Api(operator).get(path))

    def crash(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError("crashed")

    monkeypatch.setattr("apps.providers.api.endpoints.EndpointSerializer", crash)
    make_endpoints(1)
    scene.saw(*ask(f"Bearer {sign_access(operator)}", ("GET", "/api/v1/admin/providers", None)))
    scene.saw(client.get("/api/v1/admin/providers"))

    assert "crashed" in scene.log
    assert scene.leaks(*own, *MODEL_KEYS.values()) == []
