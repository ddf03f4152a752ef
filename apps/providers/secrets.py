"""An endpoint's key at the moment of the call: sealed in memory, opened for one request."""

from asgiref.sync import sync_to_async

from apps.providers.services import read_secret
from apps.providers.types import Candidate


async def secret_of(candidate: Candidate) -> str:
    """The key to send. Raises `SecretUnreadable`."""
    return await sync_to_async(read_secret)(candidate.endpoint_id)
