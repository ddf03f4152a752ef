"""The one page of the admin that needs no database: shown while it is away."""

import time

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import get_language

from apps.core import health
from apps.core.config import reader

RETRY_SECONDS = 5


def outage(request: HttpRequest) -> HttpResponse:
    """503 with what happened, since when, what goes on, and a look every few seconds whether it is over."""
    began = health.failing_since("db") or time.time()
    context = {
        "language": get_language() or "en",
        "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
        "revision": reader.revision,
        "age": round(reader.age()),
        "safe": request.method in ("GET", "HEAD"),
    }
    # Rendered without the request: a context processor would ask for the user, that is, for the database.
    body = render_to_string("admin/outage.html", context)
    return HttpResponse(body, status=503, headers={"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"})
