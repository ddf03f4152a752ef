"""Released features as models of `/v1/*`."""

import base64
import io
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from PIL import Image

from apps.core.lane import identity
from apps.core.lane.identity import KeyGrant, Principal
from apps.core.storage.models import StoredFile
from apps.features.models import Feature
from apps.features.services import publish_feature
from apps.providers.faces.openai_chat import Face
from apps.quotas.services import account_of, verify_ledger
from apps.tasks.faces.feature_models import FeatureModels
from apps.tasks.models import Status, Task
from tests.providers.test_openai_face import events, make_model
from tests.tasks.builders import TEXT_FORM, echo_graph, make_feature, register_gate
from tests.tasks.working import worker

pytestmark = pytest.mark.django_db(transaction=True)

SPEAKING = {
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "think", "type": "llm_chat", "config": {"capability": "chat"}, "inputs": {"text": "{{ start.text }}"}},
        {"id": "say", "type": "llm_chat", "config": {"capability": "chat"}, "inputs": {"text": "{{ think.text }}"}},
        {"id": "end", "type": "end", "inputs": {"text": "{{ say.text }}"}},
    ],
    "edges": [
        {"source": "start", "target": "think"},
        {"source": "think", "target": "say"},
        {"source": "say", "target": "end"},
    ],
}


@pytest.fixture
def working(monkeypatch):
    with worker(monkeypatch):
        yield


def ask(text: Any = "hello", model: str = "feature:echo", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def post(api, user, body: dict[str, Any], **headers: str):
    return api(user).post("/v1/chat/completions", json=body, headers=headers)


def picture(side: int = 8) -> str:
    sink = io.BytesIO()
    Image.new("RGB", (side, side), "red").save(sink, "PNG")
    return "data:image/png;base64," + base64.b64encode(sink.getvalue()).decode()


def with_picture(text: str, *urls: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}, *({"type": "image_url", "image_url": {"url": url}} for url in urls)]


@pytest.fixture
def with_key(monkeypatch):
    """Makes every caller come with a key of the given grant."""

    def install(grant: KeyGrant) -> None:
        real = identity.identify

        async def keyed(authorization: str, address: str) -> Principal | None:
            principal = await real(authorization, address)
            return principal and replace(principal, key=grant)

        monkeypatch.setattr("apps.core.lane.app.identify", keyed)

    return install


# --- the list ---------------------------------------------------------------------------------


def test_models__released_features__are_listed_for_whom_they_are(api, member, operator):
    make_feature("echo")
    make_feature("secret", publish=False)
    hidden = Feature.objects.get(key="secret")
    hidden.roles.set(operator.groups.all())
    publish_feature("secret", by=None)

    seen = [card["id"] for card in api(member).get("/v1/models").json()["data"]]
    all_seen = [card["id"] for card in api(operator).get("/v1/models").json()["data"]]

    assert seen == ["feature:echo", "feature:echo@1"]
    assert all_seen == ["feature:echo", "feature:echo@1", "feature:secret", "feature:secret@1"]


def test_models__key_for_one_feature__lists_and_runs_only_that(api, member, with_key, working):
    make_feature("echo")
    make_feature("other")
    with_key(KeyGrant(1, features=frozenset({"other"}), models=frozenset()))

    seen = [card["id"] for card in api(member).get("/v1/models").json()["data"]]
    refused = post(api, member, ask())
    allowed = post(api, member, ask(model="feature:other"))

    assert seen == ["feature:other", "feature:other@1"]
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "model_not_found")
    assert allowed.status_code == 200
    assert Task.objects.count() == 1


def test_models__warm__asks_no_query(api, member, django_assert_num_queries):
    make_model("mock", model="mock-chat")
    make_feature("echo")
    caller = api(member)
    caller.get("/v1/models")

    with django_assert_num_queries(0):
        answer = caller.get("/v1/models/feature:echo")

    assert answer.json()["id"] == "feature:echo"


# --- plain ------------------------------------------------------------------------------------


def test_chat__text__fills_the_required_field_and_answers_the_output(api, member, working):
    make_feature(cost=5)
    before = account_of(member).balance

    answer = post(api, member, ask("hello"))

    task = Task.objects.get()
    assert answer.status_code == 200
    told = answer.json()
    assert told["model"] == "feature:echo"
    assert told["choices"][0]["message"] == {"role": "assistant", "content": "hello"}
    assert told["choices"][0]["finish_reason"] == "stop"
    assert told["paiban"]["task"] == str(task.pk)
    assert told["paiban"]["event"]["data"] == {"output": {"text": "hello"}}
    assert answer.headers["x-paiban-task"] == str(task.pk)
    assert answer.headers["x-paiban-version"] == "1"
    assert answer.headers["x-paiban-cost"] == "5"
    assert (task.user, task.status, task.input) == (member, Status.SUCCEEDED, {"text": "hello", "size": 3})
    account = account_of(member)
    account.refresh_from_db()
    assert account.balance == before - 5
    assert verify_ledger() == []


@pytest.mark.parametrize(
    "body",
    [
        ask("never read", input={"text": "hello", "size": 7}),
        ask('{"text": "hello", "size": 7}'),
        ask(with_picture('{"text": "hello", "size": 7}')),
    ],
)
def test_chat__object__is_the_input(api, member, working, body):
    make_feature()

    answer = post(api, member, body)

    assert answer.status_code == 200
    assert Task.objects.get().input == {"text": "hello", "size": 7}


def test_chat__text_that_begins_like_an_object__is_a_text(api, member, working):
    make_feature()

    post(api, member, ask("{not json"))

    assert Task.objects.get().input["text"] == "{not json"


def test_chat__picture__becomes_an_upload_of_the_caller(api, member, working):
    make_feature()

    answer = post(api, member, ask(with_picture("hello", picture())))

    stored = StoredFile.objects.get()
    assert answer.status_code == 200
    assert Task.objects.get().input["image"] == str(stored.pk)
    assert (stored.owner, stored.mime, stored.width) == (member, "image/png", 8)


@pytest.mark.parametrize(
    ("content", "param"),
    [
        ("x", "text"),
        ('{"text": "hello", "size": 99}', "size"),
        ('{"text": "hello", "nothing": 1}', "nothing"),
        (with_picture("x", picture()), "text"),
        (with_picture("hello", "https://example.org/a.png"), "messages"),
        (with_picture("hello", picture(), picture()), "messages"),
        (with_picture("hello", "data:image/png;base64,!!"), "image"),
        (with_picture("hello", "data:image/png;base64,aGVsbG8="), "image"),
        ([{"type": "input_audio", "input_audio": {}}], "messages"),
    ],
)
def test_chat__input_does_not_fit__is_refused_with_its_place(api, member, working, content, param):
    make_feature()

    answer = post(api, member, ask(content))

    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["paiban_code"]) == (422, param, "TASKS_2002")
    assert error["type"] == "invalid_request_error"
    assert Task.objects.count() == StoredFile.objects.count() == 0


def test_chat__input_is_no_object__is_refused(api, member):
    make_feature()

    answer = post(api, member, ask("hello", input=[1]))

    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "input")


def test_chat__no_field_for_a_text__says_what_to_send(api, member):
    feature = make_feature(publish=False)
    form = {"type": "object", "properties": {"tone": {"type": "string", "enum": ["a", "b"]}}}
    Feature.objects.filter(pk=feature.pk).update(form_schema={**form, "additionalProperties": True})
    feature.pipeline.graph = echo_graph() | {
        "nodes": [{"id": "start", "type": "start"}, {"id": "end", "type": "end", "inputs": {"text": "done"}}]
    }
    feature.pipeline.save()
    publish_feature("echo", by=None)

    answer = post(api, member, ask("hello"))

    assert answer.status_code == 422
    assert "input" in answer.json()["error"]["message"] or answer.json()["error"]["param"] is None
    assert Task.objects.count() == 0


@pytest.mark.parametrize(
    "model", ["feature:none", "feature:", "feature:echo@0", "feature:echo@2", "feature:Echo", "f:x"]
)
def test_chat__no_such_feature__is_not_found(api, member, model):
    make_feature()

    answer = post(api, member, ask(model=model))

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
    assert Task.objects.count() == 0


def test_chat__no_credits__is_told_as_insufficient_quota(api, member):
    make_feature(cost=100_000)

    answer = post(api, member, ask())

    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "insufficient_quota")
    assert answer.headers["x-should-retry"] == "false"
    assert Task.objects.count() == 0


def test_chat__token_of_a_former_epoch__is_refused(api, member):
    make_feature()
    caller = api(member)
    type(member).objects.filter(pk=member.pk).update(token_epoch=member.token_epoch + 1)

    answer = caller.post("/v1/chat/completions", json=ask())

    assert answer.status_code == 401
    assert Task.objects.count() == 0


# --- versions ---------------------------------------------------------------------------------


def released_twice() -> None:
    feature = make_feature()
    form = {**TEXT_FORM, "properties": {**TEXT_FORM["properties"], "text": {"type": "string", "minLength": 4}}}
    Feature.objects.filter(pk=feature.pk).update(form_schema=form)
    publish_feature("echo", by=None, confirm=True)


def test_chat__earlier_version__runs_as_it_was_released(api, member, working):
    released_twice()

    newest = post(api, member, ask("abc"))
    earlier = post(api, member, ask("abc", "feature:echo@1"))

    assert newest.status_code == 422
    assert earlier.status_code == 200
    assert (earlier.headers["x-paiban-version"], Task.objects.get().version) == ("1", 1)


def test_model__earlier_version__is_there_as_asking_it_works(api, member):
    released_twice()

    found = {name: api(member).get(f"/v1/models/feature:{name}") for name in ("echo", "echo@1", "echo@2")}

    assert {name: answer.status_code for name, answer in found.items()} == {"echo": 200, "echo@1": 200, "echo@2": 200}
    assert found["echo@1"].json() == {"id": "feature:echo@1", "object": "model", "created": 0, "owned_by": "paiban"}


@pytest.mark.parametrize("name", ["echo@3", "echo@0", "echo@01", "none@1", "echo@", "Echo@1", "@1", ""])
def test_model__no_such_version__is_not_found(api, member, name):
    released_twice()

    answer = api(member).get(f"/v1/models/feature:{name}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


def test_model__earlier_version_of_what_is_for_others_or_not_for_the_key__is_not_found(api, member, operator, with_key):
    released_twice()
    Feature.objects.get().roles.set(operator.groups.all())
    publish_feature("echo", by=None, confirm=True)

    foreign = api(member).get("/v1/models/feature:echo@1")
    with_key(KeyGrant(1, features=frozenset({"other"})))
    limited = api(operator).get("/v1/models/feature:echo@1")

    assert (foreign.status_code, limited.status_code) == (404, 404)


def test_chat__earlier_version_of_what_was_withdrawn_or_is_for_others__is_not_found(api, member, operator):
    released_twice()
    Feature.objects.get().roles.set(operator.groups.all())
    publish_feature("echo", by=None, confirm=True)

    answer = post(api, member, ask("hello", "feature:echo@1"))

    assert (answer.status_code, Task.objects.count()) == (404, 0)


# --- streamed ---------------------------------------------------------------------------------


def spoken(chunks: list[Any]) -> str:
    return "".join(
        choice["delta"].get("content", "") for chunk in chunks if chunk != "[DONE]" for choice in chunk["choices"]
    )


def test_stream__steps__are_told_beside_an_empty_delta(api, member, working):
    make_feature()

    chunks = events(post(api, member, ask(stream=True)).text)

    told = [chunk["paiban"]["type"] for chunk in chunks[:-1] if "paiban" in chunk]
    assert told == ["queued", "running", "step", "step", "step", "step", "succeeded"]
    assert all(chunk["choices"][0]["delta"] == {} for chunk in chunks[:-1] if "paiban" in chunk)
    assert spoken(chunks) == "hello"
    assert chunks[-1] == "[DONE]"
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"


def test_stream__models_speak__only_the_words_of_the_result_are_text(api, member, working):
    make_model("mock", model="mock-chat")
    make_feature(graph=SPEAKING)

    chunks = events(post(api, member, ask(stream=True, stream_options={"include_usage": True})).text)

    output = Task.objects.get().output["text"]
    told = [chunk["paiban"] for chunk in chunks[:-1] if "paiban" in chunk]
    steps = list(Task.objects.get().steps.values_list("usage", flat=True))
    assert spoken(chunks) == output
    assert {event["data"]["node"] for event in told if event["type"] == "delta"} == {"think"}
    assert chunks[-2]["usage"]["completion_tokens"] == sum(usage.get("output_tokens", 0) for usage in steps) > 0


def test_chat__models_speak__plain_says_the_same_and_counts_the_same(api, member, working):
    make_model("mock", model="mock-chat")
    make_feature(graph=SPEAKING)

    told = post(api, member, ask()).json()

    steps = list(Task.objects.get().steps.values_list("usage", flat=True))
    assert told["choices"][0]["message"]["content"] == Task.objects.get().output["text"]
    assert told["usage"]["prompt_tokens"] == sum(usage.get("input_tokens", 0) for usage in steps) > 0


def test_chat__the_run_fails__is_told_with_its_own_code_and_not_to_be_repeated(api, member, working):
    make_model("mock", model="mock-down")
    make_feature(graph=SPEAKING)
    before = account_of(member).balance

    plain = post(api, member, ask())
    chunks = events(post(api, member, ask(stream=True)).text)

    error = plain.json()["error"]
    assert (plain.status_code, error["paiban_code"]) == (502, "TASKS_5010")
    assert plain.headers["x-should-retry"] == "false"
    assert chunks[-1]["error"]["code"] == "E_RUN_FAILED"
    assert [task.status for task in Task.objects.all()] == [Status.FAILED] * 2
    account = account_of(member)
    account.refresh_from_db()
    assert account.balance == before


def test_chat__takes_too_long__names_the_task_which_goes_on(api, member, settings):
    make_feature()
    settings.FEATURE_MODEL_SECONDS = 0

    answer = post(api, member, ask())

    task = Task.objects.get()
    assert (answer.status_code, answer.headers["x-should-retry"]) == (504, "false")
    assert f"/api/v1/tasks/{task.pk}" in answer.json()["error"]["message"]
    assert task.status == Status.QUEUED


@pytest.mark.parametrize(
    ("header", "status"), [({}, Status.QUEUED), ({"x-paiban-cancel-on-disconnect": "true"}, Status.CANCELLED)]
)
def test_stream__caller_hangs_up__the_run_goes_on_unless_told(member, header, status):
    make_feature()
    principal = Principal(member.pk, member.username, member.role_names, member.token_epoch)

    async def listen_a_little() -> None:
        answer = await FeatureModels().ask("feature:echo", ask(stream=True), principal, header)
        chunks = Face(answer.model, False).chunks(answer.items)
        await anext(chunks)
        await anext(chunks)
        await chunks.aclose()

    async_to_sync(listen_a_little)()

    assert Task.objects.get().status == status


def test_chat__cancelled_meanwhile__is_told(api, member, monkeypatch):
    gate = register_gate(monkeypatch)
    gate.open.clear()
    make_feature(graph=echo_graph({"id": "gate", "type": "gate"}))
    principal = Principal(member.pk, member.username, member.role_names, member.token_epoch)

    async def cancel_in_the_middle() -> str:
        from apps.core.aio import in_thread
        from apps.core.errors import ApiError
        from apps.tasks.services import cancel_task

        answer = await FeatureModels().ask("feature:echo", ask(), principal, {})
        await anext(answer.items)
        await in_thread(cancel_task)(member, answer.about["task"])
        try:
            async for _item in answer.items:
                pass
        except ApiError as exc:
            return exc.code
        return ""

    assert async_to_sync(cancel_in_the_middle)() == "TASKS_2011"
    assert verify_ledger() == []
