"""What a caller hears when an endpoint may not be asked now."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError
from apps.providers.admission.records import Decision
from apps.providers.errors import CircuitOpen, EndpointSaturated
from apps.providers.types import Candidate

WORDS: dict[str, str | Promise] = {
    "cooling": _("it asked for a pause"),
    "calls": _("calls at once"),
    "rpm": _("requests per minute"),
    "tpm": _("tokens per minute"),
}


def refusal(candidate: Candidate, decision: Decision) -> ApiError:
    """The error that says why, and in how many seconds it is worth a try where that is known."""
    details = {"retryAfter": -(-decision.wait_ms // 1000)} if decision.wait_ms > 0 else {}
    if decision.obstacle == "open":
        return CircuitOpen(details=details, endpoint=candidate.endpoint)
    return EndpointSaturated(details=details, endpoint=candidate.endpoint, what=WORDS[decision.obstacle])
