"""Reading the texts out of a chat in OpenAI's shape."""

from collections.abc import Iterable

from apps.providers.types import Message


def text_of(message: Message) -> str:
    """The text of a message; images and other parts are left out."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict) and "text" in part)


def text_of_all(messages: Iterable[Message]) -> str:
    """The texts of a chat, one below the other."""
    return "\n".join(text_of(message) for message in messages)
