from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError


class QuotaExhausted(ApiError):
    code, reason, status = "QUOTAS_2001", "E_QUOTA_EXHAUSTED", 402
    message = _("This costs %(cost)s credits and you have %(balance)s. Ask an administrator for more credits.")
