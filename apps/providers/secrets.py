"""An endpoint's key at the moment of the call: sealed in memory, opened for one request."""

from typing import NamedTuple

import structlog
from asgiref.sync import sync_to_async

from apps.core.crypto import SecretUnreadable, decrypt
from apps.providers.models import Secret, address_of
from apps.providers.types import Candidate

log = structlog.get_logger("providers")

MOST_HELD = 1024  # endpoints; a blob is some 200 bytes


class Held(NamedTuple):
    """A blob as the table had it when `version` was released."""

    version: int
    blob: str
    bound_to: str
    address: str


_held: dict[int, Held] = {}


async def secret_of(candidate: Candidate) -> str:
    """The key to send. Asks the database only for a version that this process has not seen.

    Raises `SecretUnreadable`, also for a key that was entered for another address than the candidate's.
    """
    held = _held.get(candidate.endpoint_id)
    if held is None or held.version != candidate.secret_version:
        held = await sync_to_async(_load)(candidate.endpoint_id, candidate.secret_version)
    if held.address and held.address != address_of(candidate.handler_key, candidate.base_url):
        log.warning("secret.entered_for_another_address", endpoint=candidate.endpoint)
        raise SecretUnreadable()
    return decrypt(held.blob, bound_to=held.bound_to)


def forget() -> None:
    """Hold nothing, as a new process."""
    _held.clear()


def _load(endpoint_id: int, version: int) -> Held:
    """What the table has now, held under the version that was asked for until another one is released."""
    row = Secret.objects.filter(endpoint_id=endpoint_id).first()
    if row is None:
        _held.pop(endpoint_id, None)
        raise SecretUnreadable()
    while len(_held) >= MOST_HELD:
        _held.pop(next(iter(_held), 0), None)
    held = _held[endpoint_id] = Held(version, row.blob, row.bound_to, row.address)
    return held
