from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError


class TrialUnknown(ApiError):
    code, reason, status = "TASKS_2030", "E_TRIAL_UNKNOWN", 404
    message = _("There is no such test run, or it is not for you to see.")


class TrialCancelled(ApiError):
    """How the stream of a cancelled test run ends."""

    code, reason, status = "TASKS_2031", "E_TRIAL_CANCELLED", 409
    message = _("The test run was cancelled.")


class TrialRefused(ApiError):
    """The graph cannot be run; the details name the problems as the validator does."""

    code, reason, status = "TASKS_2032", "E_TRIAL_REFUSED", 422
    message = _("The pipeline has mistakes, so it cannot be tried: %(first)s")


class TrialInvalid(ApiError):
    """What was asked for does not fit together; the details point at it."""

    code, reason, status = "TASKS_2033", "E_TRIAL_INVALID", 422
    message = _("The test run cannot be started: %(what)s")


class PipelineUnknown(ApiError):
    code, reason, status = "TASKS_2034", "E_PIPELINE_UNKNOWN", 404
    message = _("There is no pipeline “%(pipeline)s”.")


class RealRunForbidden(ApiError):
    code, reason, status = "TASKS_2035", "E_REAL_RUN_FORBIDDEN", 403
    message = _("Your role may try pipelines on the mock provider, but not on real models and tools.")


class TrialsCrowded(ApiError):
    code, reason, status, retryable = "TASKS_2036", "E_TRIALS_CROWDED", 429, True
    message = _("%(limit)s of your test runs are still going on. Wait for one of them, or cancel it.")


class NotRecorded(ApiError):
    """A replay met a call that the old run did not make in this way."""

    code, reason, status = "TASKS_2040", "E_NOT_RECORDED", 409
    message = _("The old run did not ask %(address)s this, so there is no recorded answer.")


class RecordedFailed(ApiError):
    """The recorded call failed then, so it fails in the replay."""

    code, reason, status = "TASKS_5041", "E_RECORDED_FAILED", 502
    message = _("In the old run %(address)s failed: %(what)s")


class ReplayImpossible(ApiError):
    code, reason, status = "TASKS_2042", "E_REPLAY_IMPOSSIBLE", 409
    message = _("This run cannot be replayed: %(what)s")


class CompareImpossible(ApiError):
    code, reason, status = "TASKS_2043", "E_COMPARE_IMPOSSIBLE", 409
    message = _("These runs cannot be compared: %(what)s")


class ValueGone(ApiError):
    """A large value outlived the file that it was put away in."""

    code, reason, status = "TASKS_2044", "E_VALUE_GONE", 410
    message = _("This value was too large to be kept for longer. Run it once more to see it.")
