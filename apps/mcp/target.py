"""Where a server is and how it is spoken to: what a transport gets to know."""

import re
from dataclasses import dataclass, field
from typing import Any

from apps.core.crypto import strike

# What a person may see of an upstream's own words.
MAX_WORDS = 300


@dataclass(frozen=True)
class Target:
    """One connection. Two that are equal may share a session."""

    server: str
    transport: str = "stdio"
    catalogue_id: str = ""
    url: str = ""
    token_header: str = "Authorization"  # noqa: S105 - the name of a header
    token_revision: int = 0  # of the stored token; 0: there is none
    server_id: int | None = field(default=None, compare=False)
    retries: int = field(default=0, compare=False)

    @classmethod
    def of_entry(cls, key: str, entry: dict[str, Any]) -> "Target":
        """The target of a released entry. Entries of the first release know only local servers."""
        return cls(
            server=key,
            transport=entry.get("transport", "stdio"),
            catalogue_id=entry.get("catalogue_id", ""),
            url=entry.get("url", ""),
            token_header=entry.get("token_header", "Authorization"),
            token_revision=entry.get("token_revision", 0),
            server_id=entry.get("id"),
            retries=entry.get("retries", 0),
        )


@dataclass(frozen=True)
class Credential:
    """What is sent so that the server knows us. Never logged: `repr` says nothing of the token."""

    header: str = "Authorization"
    token: str = field(default="", repr=False)

    def headers(self) -> dict[str, str]:
        """The one header, or none."""
        if not self.token:
            return {}
        value = f"Bearer {self.token}" if self.header.lower() == "authorization" else self.token
        return {self.header: value}

    def redacted(self, text: str) -> str:
        """`text` from upstream for people: without the token or its ends, without control characters, short."""
        if self.token:
            text = strike(text.replace(self.token, "***"), self.token)
        return re.sub(r"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+", " ", text).strip()[:MAX_WORDS]
