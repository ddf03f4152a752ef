from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError


class NoRoute(ApiError):
    code, reason, status = "PROVIDERS_2001", "E_NO_ROUTE", 422
    message = _("No enabled model can do “%(capability)s”. Enable an endpoint that offers it in the admin.")


class UpstreamError(ApiError):
    """What an upstream did instead of answering.

    `fails_over`: another endpoint may do better. `counts`: it speaks against the endpoint's health, so its breaker
    hears of it. `endpoint` and, where there are words of the upstream, `what` are among the parameters.
    """

    fails_over: ClassVar[bool] = True
    counts: ClassVar[bool] = True


class UpstreamFailed(UpstreamError):
    """An upstream answered with an error or not at all; trying again may help."""

    code, reason, status, retryable = "PROVIDERS_5001", "E_UPSTREAM_FAILED", 502, True
    message = _("The model service “%(endpoint)s” did not answer properly (%(what)s). Try again in a moment.")


class UpstreamTimeout(UpstreamError):
    code, reason, status, retryable = "PROVIDERS_5002", "E_UPSTREAM_TIMEOUT", 504, True
    message = _("The model service “%(endpoint)s” took too long. Try again in a moment.")


class UpstreamBusy(UpstreamError):
    """429. `details["retryAfter"]` are the seconds it asked for, where it did."""

    code, reason, status, retryable = "PROVIDERS_5003", "E_UPSTREAM_BUSY", 503, True
    counts = False
    message = _("The model service “%(endpoint)s” is busy. Try again in a moment.")


class UpstreamRefused(UpstreamError):
    """The upstream refused the request as it is; the same request would be refused again."""

    code, reason, status = "PROVIDERS_5004", "E_UPSTREAM_REFUSED", 502
    fails_over = counts = False
    message = _("The model service “%(endpoint)s” refused the request: %(what)s")


class UpstreamKeyRefused(UpstreamError):
    """The upstream does not accept our key. Another endpoint may; this one waits for an operator."""

    code, reason, status = "PROVIDERS_5005", "E_UPSTREAM_KEY", 502
    message = _("The model service “%(endpoint)s” does not accept the key it was given. An operator has to renew it.")


class ModelVanished(UpstreamError):
    """The upstream no longer knows the model."""

    code, reason, status = "PROVIDERS_5006", "E_MODEL_VANISHED", 502
    counts = False
    message = _("The model service “%(endpoint)s” does not serve the model any more: %(what)s")


class EndpointSaturated(UpstreamError):
    """Our own limit for the endpoint is reached; nothing was sent."""

    code, reason, status, retryable = "PROVIDERS_5007", "E_ENDPOINT_SATURATED", 503, True
    counts = False
    message = _("The model service “%(endpoint)s” is used to its limit (%(what)s). Try again in a moment.")


class CircuitOpen(UpstreamError):
    """The endpoint failed too often lately and is left alone for a while; nothing was sent."""

    code, reason, status, retryable = "PROVIDERS_5008", "E_CIRCUIT_OPEN", 503, True
    counts = False
    message = _("The model service “%(endpoint)s” has failed too often and is given a pause. Try again in a moment.")


class PriceUnknown(ApiError):
    code, reason, status = "PROVIDERS_2002", "E_PRICE_UNKNOWN", 422
    message = _("The model “%(model)s” has no price yet, so it cannot be used within a budget. Enter it in the admin.")


class NotSupported(UpstreamError):
    """The model service has no such thing; nothing was sent. Another endpoint may have it."""

    code, reason, status = "PROVIDERS_2003", "E_NOT_SUPPORTED", 422
    counts = False
    message = _("The model service “%(endpoint)s” does not support “%(what)s”. Leave it out or choose another model.")


class EndpointKeyTaken(ApiError):
    code, reason, status = "PROVIDERS_2010", "E_ENDPOINT_KEY_TAKEN", 409
    message = _("There is an endpoint “%(key)s” already, or the name is reserved. Choose another one.")


class KeyNeeded(ApiError):
    """A kept key goes to the address it was entered for, and nowhere else."""

    code, reason, status = "PROVIDERS_2011", "E_KEY_NEEDED", 422
    message = _("Enter the key again: the present one is only for the former address.")


class KeyUnfit(ApiError):
    code, reason, status = "PROVIDERS_2012", "E_KEY_UNFIT", 422
    message = _("A key is one line of letters, digits and signs, %(longest)s characters at most.")


class KeyMissing(ApiError):
    code, reason, status = "PROVIDERS_2013", "E_KEY_MISSING", 422
    message = _("The endpoint has no key yet. Enter one first.")


class NothingThere(ApiError):
    """Somebody answered at the base URL, but knows no list of models."""

    code, reason, status = "PROVIDERS_2014", "E_NOT_THE_API", 422
    message = _("A server answers at this base URL, but not in the way the handler expects. Check the URL.")


class HandlerUnknown(ApiError):
    code, reason, status = "PROVIDERS_2015", "E_HANDLER_UNKNOWN", 422
    message = _("There is no handler “%(handler)s” any more. Choose another one.")


class PriceListRefused(ApiError):
    code, reason, status = "PROVIDERS_2016", "E_PRICE_LIST", 422
    message = _("This is no price list: %(what)s.")


class JumpsUnconfirmed(ApiError):
    code, reason, status = "PROVIDERS_2017", "E_PRICE_JUMPS", 409
    message = _("%(count)s prices change more than tenfold. Look at them, and confirm; nothing was changed.")


class PricesMoved(ApiError):
    code, reason, status = "PROVIDERS_2018", "E_PRICES_MOVED", 409
    message = _("“%(model)s” was changed meanwhile. Compare the list again; nothing was changed.")
