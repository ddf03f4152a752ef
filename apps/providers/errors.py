from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError


class NoRoute(ApiError):
    code, reason, status = "PROVIDERS_2001", "E_NO_ROUTE", 422
    message = _("No enabled model can do “%(capability)s”. Enable an endpoint that offers it in the admin.")


class UpstreamFailed(ApiError):
    """An upstream answered with an error or not at all; trying again may help."""

    code, reason, status, retryable = "PROVIDERS_5001", "E_UPSTREAM_FAILED", 502, True
    message = _("The model service “%(endpoint)s” did not answer properly (%(what)s). Try again in a moment.")


class UpstreamTimeout(ApiError):
    code, reason, status, retryable = "PROVIDERS_5002", "E_UPSTREAM_TIMEOUT", 504, True
    message = _("The model service “%(endpoint)s” took too long. Try again in a moment.")


class UpstreamBusy(ApiError):
    code, reason, status, retryable = "PROVIDERS_5003", "E_UPSTREAM_BUSY", 503, True
    message = _("The model service “%(endpoint)s” is busy. Try again in a moment.")


class UpstreamRefused(ApiError):
    """The upstream refused the request as it is; the same request would be refused again."""

    code, reason, status = "PROVIDERS_5004", "E_UPSTREAM_REFUSED", 502
    message = _("The model service “%(endpoint)s” refused the request: %(what)s")
