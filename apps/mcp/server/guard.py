"""Against pages of other sites that reach this server by the reader's browser, and against names that are not ours."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from starlette.requests import Request

from apps.mcp.server.errors import HostRefused, OriginRefused


def check_source(request: Request) -> None:
    """Raises `HostRefused` or `OriginRefused`. Programs send no `Origin`."""
    host = request.headers.get("host", "")
    if not _is_ours(host):
        raise HostRefused(host=host[:100])
    origin = request.headers.get("origin")
    if origin is not None and origin not in settings.CSRF_TRUSTED_ORIGINS and not _is_same_site(origin, host):
        raise OriginRefused(origin=origin[:100])


def _is_ours(host: str) -> bool:
    name, _port = split_domain_port(host)
    return bool(name) and validate_host(name, settings.ALLOWED_HOSTS)


def _is_same_site(origin: str, host: str) -> bool:
    """Whether the page came from the very host and port that is asked now, or from the site's public address."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and (parts.netloc == host or origin == settings.BASE_URL.rstrip("/"))
