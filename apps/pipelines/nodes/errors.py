"""What can go wrong in nodes, apart from what models, tools and templates say themselves."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError


class HostRefused(ApiError):
    code, reason, status = "PIPELINES_2030", "E_HOST_REFUSED", 422
    message = _("Steps may not call “%(host)s”: it is not named in PAIBAN_PIPELINE_HOSTS.")


class RetrieverMissing(ApiError):
    code, reason, status = "PIPELINES_2031", "E_NO_RETRIEVER", 422
    message = _("Nothing here can look things up in “%(base)s”. Knowledge is not set up in this installation.")


class ImageUnfit(ApiError):
    code, reason, status = "PIPELINES_2032", "E_IMAGE_UNFIT", 422
    message = _("This file cannot be shown to a model: it has to be a PNG, JPEG, WebP or GIF of at most %(size)s MB.")


class HeaderRefused(ApiError):
    code, reason, status = "PIPELINES_2033", "E_HEADER_REFUSED", 422
    message = _("A step may not send the header “%(header)s”.")


class AddressUnfit(ApiError):
    code, reason, status = "PIPELINES_2034", "E_ADDRESS_UNFIT", 422
    message = _("“%(path)s” is no path that may be called.")


class ExpressionInvalid(ApiError):
    code, reason, status = "PIPELINES_2035", "E_EXPRESSION", 422
    message = _("The expression cannot be worked out: %(what)s")


class ValueTooLarge(ApiError):
    code, reason, status = "PIPELINES_2036", "E_VALUE_TOO_LARGE", 422
    message = _(
        "There is more here than one step can work on: at most %(most)s characters and values, nested 100 deep."
    )


class CaseInvalid(ApiError):
    code, reason, status = "PIPELINES_2037", "E_SWITCH_CASE", 422
    message = _("A case cannot be called “%(case)s”, or two are called that.")


class DeadlineInvalid(ApiError):
    code, reason, status = "PIPELINES_2038", "E_HUMAN_DEADLINE", 422
    message = _("A question needs a deadline of more than nothing and at most 30 days, such as PT24H.")


class DefaultInvalid(ApiError):
    code, reason, status = "PIPELINES_2039", "E_HUMAN_DEFAULT", 422
    message = _("“%(option)s” is not one of the options.")


class InputUnfit(ApiError):
    """`details.errors` says what does not fit, as for a form."""

    code, reason, status = "PIPELINES_2040", "E_INPUT_UNFIT", 422
    message = _("The pipeline was given something it does not take: %(what)s")


class ResultUnfit(ApiError):
    """`details.errors` says what does not fit, as for a form."""

    code, reason, status = "PIPELINES_2041", "E_RESULT_UNFIT", 422
    message = _("What the step “%(node)s” made is not what it promises: %(what)s")


class ListNeeded(ApiError):
    code, reason, status = "PIPELINES_2042", "E_MAP_SCALAR", 422
    message = _("The step “%(node)s” needs a list and was given something else.")


class ListTooLong(ApiError):
    code, reason, status = "PIPELINES_2043", "E_MAP_SIZE", 422
    message = _("The step “%(node)s” takes %(most)s items at the most and was given %(count)s.")


class TimeInvalid(ApiError):
    code, reason, status = "PIPELINES_2044", "E_DELAY_TIME", 422
    message = _("“%(until)s” is no time in the next 30 days, such as 2026-01-31T09:00:00Z.")


class CasesAmbiguous(ApiError):
    code, reason, status = "PIPELINES_2045", "E_SWITCH_AMBIGUOUS", 422
    message = _("More than one case applies: %(cases)s.")


class OptionsInvalid(ApiError):
    code, reason, status = "PIPELINES_2046", "E_HUMAN_OPTION", 422
    message = _("An option cannot be called “%(option)s”, or two are called that.")


class TemplateNeeded(ApiError):
    code, reason, status = "PIPELINES_2047", "E_TRANSFORM_EMPTY", 422
    message = _("Say what is to be made: a template for Liquid, an expression for JMESPath, and not both.")


class AnswerUnfit(ApiError):
    """`details.errors` says what does not fit, as for a form."""

    code, reason, status = "PIPELINES_5010", "E_ANSWER_UNFIT", 502
    message = _("The model did not answer in the form that was asked for: %(what)s")


class AnswerCut(ApiError):
    code, reason, status = "PIPELINES_5011", "E_ANSWER_CUT", 502
    message = _("The model's answer was cut off before it was complete. Allow more tokens.")


class ToolsExhausted(ApiError):
    code, reason, status = "PIPELINES_5012", "E_TOOL_ROUNDS", 502
    message = _("The model went on calling tools after %(rounds)s rounds and never answered.")


class HttpFailed(ApiError):
    code, reason, status, retryable = "PIPELINES_5013", "E_HTTP_FAILED", 502, True
    message = _("%(host)s did not answer properly: %(what)s")


class HttpAnswerUnfit(ApiError):
    code, reason, status = "PIPELINES_5014", "E_HTTP_ANSWER", 502
    message = _("%(host)s answered with something that cannot be used: %(what)s")


class NobodyAnswered(ApiError):
    code, reason, status = "PIPELINES_5015", "E_NOBODY_ANSWERED", 504
    message = _("Nobody answered the question of the step “%(node)s” in time.")


class RetrievalUnfit(ApiError):
    code, reason, status = "PIPELINES_5016", "E_RETRIEVAL", 502
    message = _("Looking things up in “%(base)s” gave something that cannot be used.")


class HttpUnknown(ApiError):
    """`details.outcome` is "unknown", as of a tool whose answer was lost."""

    code, reason, status = "PIPELINES_5017", "E_HTTP_UNKNOWN", 502
    message = _("%(host)s did not answer properly (%(what)s). Nobody knows whether it did what it was asked to do.")
