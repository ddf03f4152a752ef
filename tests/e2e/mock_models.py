"""Models of the built-in mock, with the scripts that a test of the browser needs, on a real instance."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx

from ops.instance import RunningPaiban

# Behind what the demo has: nobody else's route leads here.
FIRST, SECOND = 5001, 5002
PRICES: Final = {"input": 0, "output": 0, "call": 12_345}  # micro-credits
# One that is always busy stands before one that answers, a few words a second, so that a person sees them come.
ENDPOINTS: Final[dict[str, dict[str, Any]]] = {
    "trial-busy": {
        "base_url": "https://mock.invalid/?fail&status=429",
        "priority": FIRST,
        "max_retries": 0,
        "offers": ["mock-chat"],
    },
    "trial": {
        "base_url": "https://mock.invalid/?words=15",
        "priority": SECOND,
        "offers": ["mock-chat", "mock-other", "mock-slow", "mock-cut", "mock-chat+first=2"],
    },
}


@contextmanager
def mock_models(paiban: RunningPaiban) -> Iterator[None]:
    """`ENDPOINTS` are there until the block ends."""
    with httpx.Client(base_url=paiban.url, timeout=30) as client:
        given = {"username": "operator", "password": paiban.demo_password}
        access = client.post("/api/v1/auth/login", json=given).raise_for_status().json()["access"]
        client.headers["Authorization"] = f"Bearer {access}"
        for key, endpoint in ENDPOINTS.items():
            offers = [{"model": model, "capabilities": ["chat"], "prices": PRICES} for model in endpoint["offers"]]
            new = {"key": key, "name": key, "handler": "mock", **endpoint, "offers": offers}
            client.post("/api/v1/admin/providers", json=new).raise_for_status()
        try:
            yield
        finally:
            for key in ENDPOINTS:
                tag = client.get(f"/api/v1/admin/providers/{key}").headers["ETag"]
                client.delete(f"/api/v1/admin/providers/{key}", headers={"If-Match": tag})
