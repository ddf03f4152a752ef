"""One look-up, every answer checked, and the connection goes to what was checked."""

from apps.core.http import GuardedResolver, check_literal


async def addresses(host: str, port: int) -> list[str]:
    """The public addresses of `host`. Raises `AddressRefused`, or `OSError` when the name has none."""
    check_literal(host)
    return [found["host"] for found in await GuardedResolver().resolve(host, port)]
