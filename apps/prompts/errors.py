from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError, Mistaken
from apps.core.publishing.usage import PartInUse


class TemplateInvalid(ApiError):
    """With the place in `details` (line, column, endLine, endColumn) where it is known."""

    code, reason, status = "PROMPTS_2001", "E_TEMPLATE", 422
    message = _("The template cannot be used: %(what)s")


class VariableMissing(ApiError):
    code, reason, status = "PROMPTS_2002", "E_VARIABLE_MISSING", 422
    message = _("The template needs a value for “%(name)s”.")


class VariableUnfit(ApiError):
    code, reason, status = "PROMPTS_2003", "E_VARIABLE_UNFIT", 422
    message = _("The value for “%(name)s” does not fit: %(expected)s is expected.")


class PromptInvalid(Mistaken):
    """The draft was not saved; `details.errors` has every mistake with its pointer, and its place in a text."""

    code, reason, status = "PROMPTS_2004", "E_PROMPT_INVALID", 422
    message = _("%(count)s mistakes in the prompt. Nothing was saved. See the list.")


class PromptKeyTaken(ApiError):
    code, reason, status = "PROMPTS_2005", "E_PROMPT_KEY_TAKEN", 409
    message = _("There is a prompt “%(key)s” already.")


class NothingToSave(ApiError):
    code, reason, status = "PROMPTS_2006", "E_VERSION_SAME", 409
    message = _("The draft is what version %(number)s holds. There is nothing to save.")


class PromptVersionUnknown(ApiError):
    code, reason, status = "PROMPTS_2007", "E_PROMPT_VERSION_UNKNOWN", 404
    message = _("The prompt “%(key)s” has no version and no label “%(at)s”.")


class VersionInUse(PartInUse):
    code, reason = "PROMPTS_2008", "E_VERSION_IN_USE"
    message = _("Still in use by %(names)s. Name another version there first; nothing was changed.")
    advice = _("Name another version in these, or the draft.")


class LabelInvalid(ApiError):
    code, reason, status = "PROMPTS_2009", "E_LABEL", 422
    message = _("A label is small letters, digits, “-” and “_”, at most 40 of them, and begins with a letter.")


class CaseInvalid(Mistaken):
    code, reason, status = "PROMPTS_2010", "E_CASE_INVALID", 422
    message = _("%(count)s mistakes in the case. Nothing was saved. See the list.")


class CaseNameTaken(ApiError):
    code, reason, status = "PROMPTS_2011", "E_CASE_NAME_TAKEN", 409
    message = _("The prompt has a case “%(name)s” already.")


class NoCases(ApiError):
    code, reason, status = "PROMPTS_2012", "E_NO_CASES", 422
    message = _("The prompt “%(key)s” has no saved cases to run.")


class TooManyCases(ApiError):
    code, reason, status = "PROMPTS_2013", "E_TOO_MANY_CASES", 422
    message = _("A prompt has at most %(limit)s saved cases.")


class RunUnknown(ApiError):
    code, reason, status = "PROMPTS_2014", "E_CASE_RUN_UNKNOWN", 404
    message = _("The prompt “%(key)s” has no run %(run)s.")


class RunEnded(ApiError):
    code, reason, status = "PROMPTS_2015", "E_CASE_RUN_ENDED", 409
    message = _("This run has ended already. Reload the page to see how.")


class CasesTimeOver(ApiError):
    code, reason, status, retryable = "PROMPTS_5001", "E_CASES_TIME", 504, True
    message = _("The model had not answered this case after %(seconds)s seconds.")


class RunAbandoned(ApiError):
    code, reason, status, retryable = "PROMPTS_5002", "E_CASE_RUN_ABANDONED", 500, True
    message = _("The run was begun %(times)s times without one more answer, and given up. Run the cases again.")
