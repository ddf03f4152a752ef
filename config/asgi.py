"""Both lanes behind one door: websockets, the hot lane's routes, and Django for everything else."""

import gc
import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")

from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import get_resolver
from starlette.types import Receive, Scope, Send

django_lane = get_asgi_application()

from apps.core.config.subscriber import ensure_subscribed
from apps.core.lane.app import build
from apps.tasks.consumers import websocket_urlpatterns

ensure_subscribed()
hot_lane = build()
websockets = AllowedHostsOriginValidator(URLRouter(websocket_urlpatterns))

# What was imported stays for ever. Without this, each full collection looks at all of it again: some 150 ms in which
# nobody is answered. The routes bring the views and forms, which the first request would import.
len(get_resolver().url_patterns)
gc.collect()
gc.freeze()


def _choose(scope: Scope) -> Any:
    if scope["type"] == "websocket":
        return websockets
    if scope["type"] == "lifespan":
        return hot_lane
    return hot_lane.find(scope) or django_lane


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application."""
    await _choose(scope)(scope, receive, send)
