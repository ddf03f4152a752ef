"""One-time tickets for websockets, so that no token stands in a URL."""

import secrets

from apps.core import redis

TICKET_SECONDS = 30


def mint_ticket(user_id: int) -> str:
    """A ticket that opens one websocket within `TICKET_SECONDS`."""
    ticket = secrets.token_urlsafe(24)
    redis.client().set(redis.key(f"ticket:{ticket}"), user_id, ex=TICKET_SECONDS)
    return ticket


def spend_ticket(ticket: str) -> int | None:
    """The user the ticket was minted for, once; None afterwards, or when it lapsed."""
    found = redis.client().getdel(redis.key(f"ticket:{ticket}"))
    return int(str(found)) if found else None
