"""`/`: the page that loads the storefront. It knows no feature; everything comes from the API."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.core.assets import entry_assets
from apps.core.storage import links


def page(request: HttpRequest) -> HttpResponse:
    """The same page for every path of the storefront; the browser routes."""
    response = render(request, "storefront.html", {"assets": entry_assets("src/storefront.tsx")})
    pictures = " ".join(["'self'", "blob:", "data:", *links.origins()])
    response["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {pictures}; font-src 'self'; "
        "connect-src 'self' ws: wss:; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    return response
