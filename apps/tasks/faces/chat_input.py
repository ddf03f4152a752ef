"""The input of a run out of a Chat Completions body.

The member `input` is the input where there is one. Else it is the last message of the user: an object of JSON is the
input, any other text goes into the form's one field for it. Pictures of that message go into the fields for files.
"""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from django.utils.translation import gettext

from apps.core.form_input import file_fields
from apps.providers.wire import text_of
from apps.tasks.errors import InputInvalid
from apps.tasks.faces.results import in_order
from apps.tasks.faces.runs import Fill
from apps.tasks.faces.uploads import PREFIX

_CHOICES = frozenset({"enum", "const", "oneOf", "anyOf", "format", "pattern"})  # a field that takes no free text


def fill_from(body: Mapping[str, Any]) -> Fill:
    """What fills a form from `body`, which was checked. Raises `InputInvalid` when it is called."""
    return partial(_filled, body)


def _filled(body: Mapping[str, Any], form: Mapping[str, Any], ui: Any) -> dict[str, Any]:
    said = _last_message(body)
    pictures = list(_pictures(said))
    whole = _whole_input(body, said)
    given = _from_text(form, ui, text_of(said).strip(), has_pictures=bool(pictures)) if whole is None else whole
    return given | _placed(form, ui, given, pictures)


def _whole_input(body: Mapping[str, Any], said: Any) -> dict[str, Any] | None:
    given = body.get("input")
    if given is not None:
        if not isinstance(given, dict):
            raise _refused("/input", gettext("This has to be an object."))
        return dict(given)
    text = text_of(said).strip()
    try:
        found = json.loads(text) if text.startswith("{") else None
    except (ValueError, RecursionError):
        return None  # a text that only begins like an object
    return found if isinstance(found, dict) else None


def _last_message(body: Mapping[str, Any]) -> Any:
    return next((said for said in reversed(body["messages"]) if said.get("role") == "user"), {})


def _from_text(form: Mapping[str, Any], ui: Any, text: str, *, has_pictures: bool) -> dict[str, Any]:
    """`text` in the only required field for text, or else in the first one; beside a picture it may be left over."""
    if not text:
        return {}
    fields = {name: field for name, field in form.get("properties", {}).items() if _takes_text(field)}
    required = {name: fields[name] for name in form.get("required", ()) if name in fields}
    names = in_order(form, ui, required or fields)
    if names:
        return {names[0]: text}
    if has_pictures:
        return {}
    raise _refused("", gettext("This feature has no field for a text. Send its fields in the member “input”."))


def _takes_text(field: Any) -> bool:
    return isinstance(field, Mapping) and field.get("type") == "string" and not _CHOICES & field.keys()


def _pictures(said: Any) -> Iterator[str]:
    content = said.get("content")
    for part in content if isinstance(content, list) else ():
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "image_url":
            yield _url(part["image_url"]) if "image_url" in part else ""
        elif kind != "text":
            raise _refused("/messages", gettext("Only texts and pictures are taken here."))


def _url(given: Any) -> str:
    url = given.get("url") if isinstance(given, dict) else given
    if not isinstance(url, str) or not url.startswith(PREFIX):
        words = gettext("Send a picture as a data: URL, or upload it and name its id in the member “input”.")
        raise _refused("/messages", words)
    return url


def _placed(form: Mapping[str, Any], ui: Any, given: Mapping[str, Any], pictures: list[str]) -> dict[str, str]:
    """`pictures` in the fields for files that are still empty, in the form's order."""
    empty = [name for name in in_order(form, ui, file_fields(form)) if name not in given]
    if len(pictures) > len(empty):
        raise _refused("/messages", gettext("These are more pictures than the feature has fields for."))
    return dict(zip(empty, pictures, strict=False))


def _refused(pointer: str, words: str) -> InputInvalid:
    return InputInvalid(details={"errors": [{"pointer": pointer, "code": "invalid", "message": words}]})
