"""Pipelines for the browser tests, made and changed behind the editor's back over the management API."""

import json
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

import httpx

from ops.instance import RunningPaiban

TEXT: Final = {"type": "string"}
FORM: Final = {
    "type": "object",
    "properties": {
        "product": TEXT | {"title": "Product"},
        "photo": TEXT | {"title": "Photo", "format": "file", "contentMediaType": "image/*"},
    },
}
GRAPH: Final[dict[str, Any]] = {
    "schema": 2,
    "nodes": [
        {"id": "start", "type": "start", "title": {"en": "Form", "zh-hans": "表单"}, "config": {"schema": FORM}},
        {
            "id": "copy",
            "type": "llm_chat",
            "title": {"en": "Write the copy", "zh-hans": "撰写文案"},
            "inputs": {"text": "{{ start.product }}"},
        },
        {"id": "end", "type": "end", "inputs": {"text": "{{ copy.text }}"}},
    ],
    "edges": [{"source": "start", "target": "copy"}, {"source": "copy", "target": "end"}],
}


def graph() -> dict[str, Any]:
    """`GRAPH`, to be changed."""
    found: dict[str, Any] = json.loads(json.dumps(GRAPH))
    return found


def signed_in(paiban: RunningPaiban, name: str = "operator") -> AbstractContextManager[httpx.Client]:
    """The API as the demo's person `name`."""
    return api_as(paiban.url, name, paiban.demo_password)


@contextmanager
def api_as(url: str, name: str, password: str) -> Iterator[httpx.Client]:
    """The API of the installation at `url`."""
    with httpx.Client(base_url=url, timeout=30) as client:
        given = {"username": name, "password": password}
        access = client.post("/api/v1/auth/login", json=given).raise_for_status().json()["access"]
        client.headers["Authorization"] = f"Bearer {access}"
        yield client


class Draft:
    """A pipeline of its own, called as its key."""

    def __init__(self, client: httpx.Client, key: str) -> None:
        self.client, self.key = client, key
        self.address = f"/api/v1/admin/pipelines/{key}"

    def read(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(self.address).raise_for_status().json()
        return found

    def write(self, new: dict[str, Any], *, by: httpx.Client | None = None) -> None:
        """Saved by hand, as whoever `by` is signed in as."""
        tag = self.client.get(self.address).raise_for_status().headers["ETag"]
        sent = (by or self.client).patch(self.address, json={"graph": new}, headers={"If-Match": tag})
        sent.raise_for_status()


@contextmanager
def a_draft(client: httpx.Client, given: dict[str, Any]) -> Iterator[Draft]:
    """It is there until the block ends."""
    key = f"flow-{secrets.token_hex(3)}"
    client.post("/api/v1/admin/pipelines", json={"key": key, "name": key, "graph": given}).raise_for_status()
    draft = Draft(client, key)
    try:
        yield draft
    finally:
        tag = client.get(draft.address).headers["ETag"]
        client.delete(draft.address, headers={"If-Match": tag}).raise_for_status()
