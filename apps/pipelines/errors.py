from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError, Mistaken


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


class OutputTooLarge(ApiError):
    code, reason, status = "PIPELINES_5030", "E_OUTPUT_TOO_LARGE", 413
    message = _("A step made %(size)s MB. At most %(most)s MB are kept of one value, and %(all)s MB of one run.")


class RunLimit(ApiError):
    """The run used up what it may. No policy of a node lets it go on."""

    budget: object = None  # whose limit it is


class RunTooLong(RunLimit):
    code, reason, status = "PIPELINES_5031", "E_RUN_TOO_LONG", 504
    message = _("The run took longer than the %(seconds)s seconds that it may take.")


class RunTooDear(RunLimit):
    code, reason, status = "PIPELINES_5032", "E_RUN_TOO_DEAR", 402
    message = _("The run has spent the %(credits)s credits that it may cost.")


class RunTooManySteps(RunLimit):
    code, reason, status = "PIPELINES_5033", "E_RUN_TOO_MANY_STEPS", 422
    message = _("The run made more than the %(steps)s steps that it may make.")


class TooDeep(ApiError):
    code, reason, status = "PIPELINES_5034", "E_TOO_DEEP", 422
    message = _("The pipeline “%(pipeline)s” stands too deep below others: at most %(most)s may run one in another.")


class OutputGone(ApiError):
    """What a finished step made can no longer be read: its file was dropped, or is another one."""

    code, reason, status = "PIPELINES_5035", "E_OUTPUT_GONE", 500
    message = _("What an earlier step made is no longer there, so the run cannot go on.")


class Recalled(ApiError):
    """A failure that an earlier worker met and wrote down."""

    status = 422

    def __init__(self, told: Mapping[str, Any]) -> None:
        super().__init__(details=told.get("details") or {})
        self._told = str(told.get("message", ""))
        vars(self).update(code=str(told.get("code", "")), reason=str(told.get("reason", "")))

    def text(self) -> str:
        return self._told


class PipelineLimit(ApiError):
    """A pipeline below the run used up what it may. That is a failure of the step that runs it."""

    code, reason, status = "PIPELINES_5037", "E_PIPELINE_LIMIT", 422
    message = _("The pipeline “%(pipeline)s” came to a limit of its own. %(what)s")


class PathTooLong(ApiError):
    code, reason, status = "PIPELINES_5036", "E_PATH_TOO_LONG", 422
    message = _("The names of this step and of those above it have more than %(most)s characters together.")


class PipelineInvalid(Mistaken):
    """What was sent cannot be kept; `details.errors` has every mistake with its pointer."""

    code, reason, status = "PIPELINES_2010", "E_PIPELINE_INVALID", 422
    message = _("%(count)s mistakes in the pipeline. Nothing was saved. See the list.")


class PipelineKeyTaken(ApiError):
    code, reason, status = "PIPELINES_2011", "E_PIPELINE_KEY_TAKEN", 409
    message = _("There is a pipeline “%(key)s” already.")


class PipelineNotReady(ApiError):
    """`details.problems` has every problem, as validating tells them."""

    code, reason, status = "PIPELINES_2012", "E_PIPELINE_NOT_READY", 422
    message = _("%(count)s problems stand in the way. The draft is kept as it was, and is not ready.")

    def __init__(self, problems: Iterable[dict[str, str]]) -> None:
        found = list(problems)
        wrong = [one for one in found if one["severity"] == "error"]
        super().__init__(count=len(wrong), details={"problems": found})


class CaseInvalid(Mistaken):
    """The case was not saved; `details.errors` has every mistake with its pointer."""

    code, reason, status = "PIPELINES_2013", "E_PIPELINE_CASE_INVALID", 422
    message = _("%(count)s mistakes in the case. Nothing was saved. See the list.")


class CaseNameTaken(ApiError):
    code, reason, status = "PIPELINES_2014", "E_PIPELINE_CASE_NAME_TAKEN", 409
    message = _("The pipeline has a case “%(name)s” already.")


class TooManyCases(ApiError):
    code, reason, status = "PIPELINES_2015", "E_PIPELINE_TOO_MANY_CASES", 422
    message = _("A pipeline has at most %(limit)s cases. Delete one first.")


class PinInvalid(Mistaken):
    """The pin was not saved; `details.errors` has every mistake with its pointer."""

    code, reason, status = "PIPELINES_2016", "E_PIN_INVALID", 422
    message = _("%(count)s mistakes in the pin. Nothing was saved. See the list.")


class PinNameTaken(ApiError):
    code, reason, status = "PIPELINES_2017", "E_PIN_NAME_TAKEN", 409
    message = _("The pipeline has a pin “%(name)s” already.")


class TooManyPins(ApiError):
    code, reason, status = "PIPELINES_2018", "E_PIPELINE_TOO_MANY_PINS", 422
    message = _("A pipeline has at most %(limit)s pins. Delete one first.")


class BodyNoObject(ApiError):
    code, reason, status = "PIPELINES_2019", "E_BODY_NO_OBJECT", 422
    message = _("Send a JSON object with the graph in it.")
