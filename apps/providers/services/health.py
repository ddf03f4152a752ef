"""Test endpoints with their keys, and keep what was found."""

import random
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.core.crypto import SecretUnreadable, decrypt
from apps.providers.connection import Found, Probe, look, look_at
from apps.providers.errors import KeyMissing
from apps.providers.models import Endpoint, EndpointHealth, address_of
from apps.providers.services.keys import key_state

log = structlog.get_logger("providers")

KeyState = EndpointHealth.KeyState
JITTER = 0.2  # of the time between two tests, so that installations and endpoints do not ask in step
MOST_DUE = 20  # endpoints of one sweep; some 5 seconds at the worst, and the next sweep comes in half a minute


def test_endpoint(endpoint: Endpoint) -> Found:
    """Test it with its key and keep what was found. Blocks for `connection.SECONDS` at most."""
    found = look(probe_of(endpoint))
    keep_health(endpoint, found)
    return found


def keep_health(endpoint: Endpoint, found: Found) -> EndpointHealth:
    """Keep what a test of the endpoint found. Nothing is kept of one that is gone meanwhile."""
    state = KeyState.REFUSED if found.key_refused else key_state(endpoint)
    fields = {
        "ok": found.ok,
        "checked_at": timezone.now(),
        "latency_ms": found.latency_ms,
        "key_state": state,
        "error": found.error,
        "models_listed": found.models,
        "missing": found.missing,
        "due_at": _next(),
    }
    try:
        with transaction.atomic():
            return EndpointHealth.objects.update_or_create(endpoint=endpoint, defaults=fields)[0]
    except IntegrityError:
        return EndpointHealth(endpoint=endpoint, **fields)


def probe_of(endpoint: Endpoint) -> Probe:
    """What to test of a kept endpoint; its models are the enabled ones."""
    secret, failure = None, None
    sealed = getattr(endpoint, "secret", None)
    if sealed is not None:
        try:
            secret = _opened(endpoint)
        except SecretUnreadable as exc:
            failure = exc
    offered = [offer.model for offer in endpoint.offers.all() if offer.enabled]
    return Probe(endpoint.handler_key, endpoint.base_url, secret, offered, failure)


def probe_with(*, handler_key: str, base_url: str, secret: str, endpoint: Endpoint | None = None) -> Probe:
    """What to test of a form that is not saved. Without a new key the kept one is used for its own address alone."""
    offered = [offer.model for offer in endpoint.offers.all() if offer.enabled] if endpoint else []
    if secret or endpoint is None or not hasattr(endpoint, "secret"):
        return Probe(handler_key, base_url, secret or None, offered)
    if address_of(handler_key, base_url) != endpoint.address:
        return Probe(handler_key, base_url, None, offered, KeyMissing())
    return probe_of(endpoint)


def sweep() -> int:
    """Test the endpoints whose turn it is, in a thread of their own; returns how many were taken.

    Concurrency: each is claimed by a conditional update, so of several dispatchers one asks.
    """
    if not settings.PROVIDER_CHECK_SECONDS:
        return 0
    _schedule_new()
    taken = _claimed()
    if taken:
        threading.Thread(target=_in_thread, args=(taken,), name="provider-checks", daemon=True).start()
    return len(taken)


def _schedule_new() -> None:
    """An endpoint that was never tested gets its turn soon, not at once with all others."""
    unknown = Endpoint.objects.filter(enabled=True, secret__isnull=False, health__isnull=True)
    for endpoint in unknown[:MOST_DUE]:
        EndpointHealth.objects.get_or_create(endpoint=endpoint, defaults={"due_at": timezone.now()})


def _claimed() -> list[Endpoint]:
    due = EndpointHealth.objects.filter(
        endpoint__enabled=True, endpoint__secret__isnull=False, due_at__lte=timezone.now()
    ).order_by("due_at")[:MOST_DUE]
    won = [
        health.endpoint_id
        for health in due
        if EndpointHealth.objects.filter(pk=health.pk, due_at=health.due_at).update(due_at=_next())
    ]
    return list(Endpoint.objects.for_list().filter(pk__in=won)) if won else []


def _in_thread(endpoints: Sequence[Endpoint]) -> None:
    try:
        _look_and_keep(endpoints)
    finally:
        connection.close()  # the thread's own


def _look_and_keep(endpoints: Sequence[Endpoint]) -> None:
    try:
        for endpoint, found in zip(endpoints, look_at(map(probe_of, endpoints)), strict=True):
            keep_health(endpoint, found)
            if not found.ok:
                log.warning("endpoint.unhealthy", endpoint=endpoint.key, code=(found.error or {}).get("code"))
    except Exception:
        log.exception("endpoint.checks_failed")


def _next() -> datetime:
    span = settings.PROVIDER_CHECK_SECONDS or 300
    return timezone.now() + timedelta(seconds=span * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - jitter


def _opened(endpoint: Endpoint) -> str:
    """The key, for the address it was entered for. Raises `SecretUnreadable`."""
    secret = endpoint.secret
    if secret.address not in ("", endpoint.address):
        raise SecretUnreadable()
    return decrypt(secret.blob, bound_to=secret.bound_to)
