"""What a chat request has to look like before anything is done with it."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext

from apps.core.errors import InvalidRequest
from apps.providers.types import ChatRequest

ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
MOST_MESSAGES = 2_000
NOT_OPTIONS = frozenset({"model", "messages", "stream", "stream_options", "capability", "strategy", "input"})
_NUMBERS = {"temperature": (0, 2), "top_p": (0, 1), "presence_penalty": (-2, 2), "frequency_penalty": (-2, 2)}
_COUNTS = ("max_tokens", "max_completion_tokens", "n", "top_logprobs", "seed")


def check_chat(body: Any) -> dict[str, Any]:
    """`body`, if it is one. Raises `InvalidRequest` with every problem and where it is."""
    if not isinstance(body, dict):
        raise _invalid([("", gettext("The body has to be an object."))])
    if problems := list(_problems(body)):
        raise _invalid(problems)
    return body


def request_of(body: Mapping[str, Any], *, stream: bool, key: str) -> ChatRequest:
    """The chat in `body`, which was checked."""
    options = {name: value for name, value in body.items() if name not in NOT_OPTIONS and value is not None}
    return ChatRequest(body["messages"], options, stream=stream, key=key)


def _problems(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not isinstance(body.get("model", ""), str):
        yield "/model", gettext("This has to be a text.")
    if not isinstance(body.get("stream") or False, bool):
        yield "/stream", gettext("This has to be true or false.")
    yield from _message_problems(body.get("messages"))
    for name, (least, most) in _NUMBERS.items():
        value = body.get(name)
        if value is not None and not (_is_number(value) and least <= value <= most):
            yield (
                f"/{name}",
                gettext("This has to be a number from %(least)s to %(most)s.")
                % {
                    "least": least,
                    "most": most,
                },
            )
    for name in _COUNTS:
        value = body.get(name)
        if value is not None and not (isinstance(value, int) and not isinstance(value, bool)):
            yield f"/{name}", gettext("This has to be a whole number.")
    for name in ("max_tokens", "max_completion_tokens", "n"):
        value = body.get(name)
        if isinstance(value, int) and value < 1:
            yield f"/{name}", gettext("This has to be at least 1.")
    if not isinstance(body.get("tools"), list | None):
        yield "/tools", gettext("This has to be a list.")


def _message_problems(messages: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(messages, list) or not messages:
        yield "/messages", gettext("This has to be a list with at least one message.")
        return
    if len(messages) > MOST_MESSAGES:
        yield "/messages", gettext("These are more messages than are accepted.")
        return
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            yield f"/messages/{index}", gettext("This has to be an object.")
        elif message.get("role") not in ROLES:
            yield f"/messages/{index}/role", gettext("This role is not known.")
        elif not isinstance(message.get("content"), str | list | None):
            yield f"/messages/{index}/content", gettext("This has to be a text or a list of parts.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _invalid(problems: list[tuple[str, str]]) -> InvalidRequest:
    return InvalidRequest(
        details={"errors": [{"pointer": where, "code": "invalid", "message": what} for where, what in problems]}
    )


def named_model(body: Mapping[str, Any]) -> str:
    """The model that `body` names. Raises `InvalidRequest` when it names none."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise _invalid([("/model", gettext("Name a model."))])
    return model
