"""Every sealed field is sealed again under the key in front, while it is being read."""

import base64
import json
import threading
from importlib import import_module
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command

from apps.core import rotation
from apps.core.crypto import SecretUnreadable, encrypt, kid_of, sealed_fields
from apps.providers.models import Endpoint, Secret
from apps.providers.services import key_state, read_secret, set_secret
from tests.features.builders import make_model

OLD = "old:" + base64.b64encode(b"1" * 32).decode()
NEW = "new:" + base64.b64encode(b"2" * 32).decode()


@pytest.fixture
def keys(db, settings):
    """Three endpoints whose keys are sealed under the old entry; the ring has a new one in front."""
    settings.MASTER_KEYS = [OLD]
    found = {}
    for number in range(3):
        endpoint = make_model(f"e{number}", handler_key="openai", base_url="https://api.example.com")
        set_secret(endpoint, f"sk-key-number-{number}-0123456789", by=None)
        found[endpoint.pk] = f"sk-key-number-{number}-0123456789"
    settings.MASTER_KEYS = [NEW, OLD]
    return found


def run(*arguments: str) -> tuple[int, dict]:
    out, code = StringIO(), 0
    try:
        call_command("rotate_secrets", "--json", *arguments, stdout=out)
    except SystemExit as exc:
        code = int(exc.code or 0)
    return code, json.loads(out.getvalue())


def kids() -> set[str]:
    return {kid_of(secret.blob) for secret in Secret.objects.all()}


def test_rotate__old_blobs__none_is_left_and_the_old_key_can_go(keys, settings):
    code, told = run()

    assert (code, told["under_other_keys"], told["fields"][0]["rotated"]) == (0, 0, 3)
    assert kids() == {"new"}
    settings.MASTER_KEYS = [NEW]
    assert {pk: read_secret(pk) for pk in keys} == keys


def test_rotate__dry_run__counts_and_writes_nothing(keys):
    before = list(Secret.objects.values_list("blob", flat=True))

    code, told = run("--dry-run")

    assert (code, told["under_other_keys"], told["dry_run"]) == (0, 3, True)
    assert list(Secret.objects.values_list("blob", flat=True)) == before


def test_rotate__stopped_half_way__goes_on_with_the_rest(keys, monkeypatch):
    real, calls = rotation._replaced, []

    def stopping(*args):
        if calls:
            raise KeyboardInterrupt
        calls.append(1)
        return real(*args)

    monkeypatch.setattr(rotation, "_replaced", stopping)
    with pytest.raises(KeyboardInterrupt):
        rotation.rotate(batch=1)
    assert kids() == {"new", "old"}
    monkeypatch.setattr(rotation, "_replaced", real)

    code, told = run("--batch", "1")

    field = told["fields"][0]
    assert (code, field["total"], field["rotated"], field["current"], field["left"]) == (0, 3, 2, 1, 0)
    assert kids() == {"new"}


def test_rotate__replaced_meanwhile__the_newer_key_stays(keys, monkeypatch):
    endpoint = Endpoint.objects.order_by("pk").first()
    real, raced = rotation._replaced, []

    def racing(sealed, row, old, new):
        if not raced:
            raced.append(1)
            set_secret(endpoint, "sk-entered-just-now-99", by=None)
        return real(sealed, row, old, new)

    monkeypatch.setattr(rotation, "_replaced", racing)

    code, told = run()

    assert (code, told["under_other_keys"]) == (0, 0)
    assert read_secret(endpoint.pk) == "sk-entered-just-now-99"


def test_rotate__blob_nobody_can_read__is_named_and_left_as_it_is(keys, settings):
    settings.MASTER_KEYS = ["lost:" + base64.b64encode(b"3" * 32).decode()]
    endpoint = Endpoint.objects.order_by("pk").first()
    secret = Secret.objects.get(endpoint=endpoint)
    blob = encrypt("sk-sealed-with-a-lost-key", bound_to=secret.bound_to)
    Secret.objects.filter(pk=secret.pk).update(blob=blob)
    settings.MASTER_KEYS = [NEW, OLD]

    code, told = run()

    assert (code, told["unreadable"]) == (1, [f"providers.secret {secret.pk}"])
    assert Secret.objects.get(pk=secret.pk).blob == blob
    assert key_state(Endpoint.objects.select_related("secret").get(pk=endpoint.pk)) == "unreadable"
    with pytest.raises(SecretUnreadable):
        read_secret(endpoint.pk)


def test_rotate__every_field_that_seals__is_registered(keys):
    sealed = {model._meta.label_lower for model in apps.get_models() if hasattr(model, "bound_to")}

    assert sealed == {field.rows().model._meta.label_lower for field in sealed_fields.values()}


@pytest.mark.django_db(transaction=True)
def test_rotate__under_load__no_reading_fails(settings):
    settings.MASTER_KEYS = [OLD]
    endpoints = [make_model(f"e{n}", handler_key="openai", base_url="https://x.example") for n in range(5)]
    for endpoint in endpoints:
        set_secret(endpoint, f"sk-key-of-{endpoint.key}-0123456789", by=None)
    settings.MASTER_KEYS = [NEW, OLD]
    blobs = {e.pk: (e.key, Secret.objects.get(endpoint=e)) for e in endpoints}
    stop, wrong, reads = threading.Event(), [], []

    def read_all_the_time():
        from django.db import connection

        try:
            while not stop.is_set() or not reads:
                for pk, (key, _secret) in blobs.items():
                    reads.append(pk)
                    if read_secret(pk) != f"sk-key-of-{key}-0123456789":
                        wrong.append(pk)
        except Exception as exc:
            wrong.append(exc)
        finally:
            connection.close()

    threads = [threading.Thread(target=read_all_the_time) for _ in range(3)]
    for thread in threads:
        thread.start()
    tallies = rotation.rotate(batch=2)
    stop.set()
    for thread in threads:
        thread.join(30)

    assert wrong == []
    assert (sum(t.rotated for t in tallies), kids()) == (5, {"new"})


def test_addresses__of_keys_from_before__are_filled_in(keys):
    keep_addresses = import_module("apps.providers.migrations.0004_address_of_kept_keys").keep_addresses
    Secret.objects.update(address="")

    keep_addresses(apps, None)

    assert set(Secret.objects.values_list("address", flat=True)) == {"openai https://api.example.com"}
