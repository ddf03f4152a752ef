"""The admin's page of the processes. It draws what the API says, and asks again every two seconds."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from apps.core.permissions import allows, needs
from apps.core.status.fleet import Fleet, fleet

LAYERS = ("memory", "redis", "table", "backup")


@needs("releases:read")
def status_view(request: HttpRequest) -> HttpResponse:
    """Whoever may see releases may see which process serves which."""
    if not allows(request.user, "releases:read"):
        raise PermissionDenied
    told = fleet()
    context = {
        **admin.site.each_context(request),
        "title": "",
        "fleet": told,
        "rows": [_row(process, told) for process in told.processes],
        "fragment": request.headers.get("X-Fragment") == "1",
    }
    template = "admin/status/fleet.html" if context["fragment"] else "admin/status/page.html"
    answer = render(request, template, context)
    answer["Cache-Control"] = "no-store"
    return answer


def _row(process: Any, told: Fleet) -> dict[str, Any]:
    """A process as the table shows it: shares of the layers in percent."""
    layers = process.metrics.get("layers", {})
    reads = sum(layers.get(name, 0) for name in LAYERS)
    shares = [(name, round(100 * layers.get(name, 0) / reads, 1)) for name in LAYERS] if reads else []
    return {
        "process": process,
        "reads": reads,
        "shares": [(name, share) for name, share in shares if share],
        "behind": process.lasting and process.revision < told.revision,
        "old": process.age > 60,
        "memory": next((share for name, share in shares if name == "memory"), None),
        "cache": _cache_row(process.metrics.get("cache", {})),
    }


def _cache_row(told: dict[str, Any]) -> dict[str, Any] | None:
    """The read cache of a process: reads, the share that needed no load, the mean load; None when nothing was read."""
    reads = sum(told.get("layers", {}).values())
    if not reads:
        return None
    mean, failures = told.get("meanLoadMs"), told.get("failures", 0)
    return {"reads": reads, "share": round(100 * told["hitRatio"], 1), "mean": mean, "failures": failures}


urlpatterns = [path("admin/status/", admin.site.admin_view(status_view), name="status")]
