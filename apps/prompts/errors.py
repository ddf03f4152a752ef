from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError


class TemplateInvalid(ApiError):
    code, reason, status = "PROMPTS_2001", "E_TEMPLATE", 422
    message = _("The template cannot be used: %(what)s")


class VariableMissing(ApiError):
    code, reason, status = "PROMPTS_2002", "E_VARIABLE_MISSING", 422
    message = _("The template needs a value for “%(name)s”.")
