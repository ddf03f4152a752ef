from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError


class QuotaExhausted(ApiError):
    code, reason, status = "QUOTAS_2001", "E_QUOTA_EXHAUSTED", 402
    message = _("This costs %(cost)s credits and you have %(balance)s. Ask an administrator for more credits.")


class BudgetExhausted(ApiError):
    """A cap on spending is reached, or would be by this call. Amounts in `details` are micro-credits."""

    code, reason, status = "QUOTAS_2010", "E_BUDGET_EXHAUSTED", 429
    message = _("The budget of %(budget)s credits is used up. It was set for the API key or for your account.")
