from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError


class ReferenceMissing(ApiError):
    code, reason, status = "PIPELINES_2001", "E_REFERENCE_MISSING", 422
    message = _("The step needs “%(path)s”, which no earlier step produced.")


class ConditionInvalid(ApiError):
    code, reason, status = "PIPELINES_2002", "E_CONDITION", 422
    message = _("The condition cannot be decided: %(what)s")


class NodeTimeout(ApiError):
    code, reason, status, retryable = "PIPELINES_5001", "E_NODE_TIMEOUT", 504, True
    message = _("The step “%(node)s” took longer than %(seconds)s seconds.")


class NodeCrashed(ApiError):
    code, reason, status, retryable = "PIPELINES_5002", "E_NODE_CRASHED", 500, True
    message = _("The step “%(node)s” failed on our side. Try again; if it stays, report the request id.")


class NoEndReached(ApiError):
    code, reason, status = "PIPELINES_5003", "E_NO_END", 500
    message = _("The pipeline ended without reaching its end.")


class OutcomeUnknown(ApiError):
    code, reason, status = "PIPELINES_5004", "E_OUTCOME_UNKNOWN", 502
    message = _("The step “%(node)s” was interrupted while it called %(address)s; nobody knows whether that happened.")


class PipelineNotThere(ApiError):
    code, reason, status = "PIPELINES_5005", "E_PIPELINE_NOT_THERE", 500
    message = _("The pipeline “%(pipeline)s” is not part of this release.")
