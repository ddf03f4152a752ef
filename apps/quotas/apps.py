from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class QuotasConfig(AppConfig):
    name = "apps.quotas"
    label = "quotas"
    verbose_name = _("Credits")

    def ready(self) -> None:
        from django.db.models.signals import post_delete, post_save

        from apps.accounts.people import use_budgets
        from apps.quotas.budgets import budget_of, forget_changed
        from apps.quotas.models import UserBudget

        use_budgets(budget_of)
        post_save.connect(forget_changed, sender=UserBudget, dispatch_uid="budgets.saved")
        post_delete.connect(forget_changed, sender=UserBudget, dispatch_uid="budgets.deleted")
