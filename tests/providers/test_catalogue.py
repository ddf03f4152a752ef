"""What is released of endpoints and their models."""

import pytest

from apps.providers.catalogue import collect, released
from apps.providers.models import Endpoint, Offer
from apps.providers.services import set_secret
from tests.features.builders import make_model

KEY = "sk-canary-0123456789abcdef"


@pytest.fixture
def crowd(db: None) -> list[Endpoint]:
    """With a key and without, with several models, one of them switched off, and one endpoint that is."""
    found = [make_model(f"e{number}", handler_key="openai", priority=9 - number) for number in range(4)]
    set_secret(found[0], KEY, by=None)
    prices = {"price_input": 3, "price_cached": 0, "price_call": 7}
    Offer.objects.create(endpoint=found[1], model="b", capabilities=["chat", "json"], max_output=9, **prices)
    Offer.objects.create(endpoint=found[1], model="a", capabilities=[], quality=80)
    Offer.objects.create(endpoint=found[2], model="off", enabled=False)
    Endpoint.objects.filter(pk=found[3].pk).update(enabled=False)
    return found


def test_collect__crowd__has_the_entry_of_each_enabled_endpoint_by_priority(crowd):
    rows = [Endpoint.objects.get(pk=crowd[number].pk) for number in (2, 1, 0)]

    assert collect() == {
        "schema": 2,
        "endpoints": [released(row, row.offers.all(), has_secret=hasattr(row, "secret")) for row in rows],
    }


def test_collect__entry__holds_what_the_row_says_and_no_key(crowd):
    entry = collect()["endpoints"][-1]

    assert entry == {
        "id": crowd[0].pk,
        "key": "e0",
        "name": "e0",
        "kind": "direct",
        "handler": "openai",
        "base_url": "",
        "priority": 9,
        "weight": 100,
        "timeout": 60,
        "first_byte": 2,
        "max_retries": 1,
        "max_concurrency": 0,
        "rpm": 0,
        "tpm": 0,
        "has_secret": True,
        "secret_version": crowd[0].secret.version,
        "offers": [
            {
                "model": "e0-1",
                "capabilities": ["chat"],
                "context_window": 8192,
                "max_output": 0,
                "quality": 50,
                "prices": {"input": None, "output": None, "cached": None, "image": None, "call": None},
            }
        ],
    }


def test_collect__any_number_of_endpoints__asks_twice(crowd, django_assert_num_queries):
    # the models that are offered, the endpoints with their keys' versions
    with django_assert_num_queries(2):
        collect()
    make_model("more")
    with django_assert_num_queries(2):
        collect()
