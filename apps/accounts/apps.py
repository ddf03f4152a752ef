from django.apps import AppConfig
from django.db.models.signals import post_delete, post_migrate
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    label = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        from apps.accounts import people
        from apps.accounts.authentication import identify
        from apps.accounts.keys.lookup import forget_deleted
        from apps.accounts.roles import sync_after_migrate
        from apps.core.lane.app import register
        from apps.core.lane.files import ROUTE
        from apps.core.lane.identity import use_authenticator

        use_authenticator(identify)
        people.connect()
        post_delete.connect(forget_deleted, sender="accounts.ApiKey", dispatch_uid="api_keys.deleted")
        register(ROUTE)
        # Every app's permissions exist only after its own migration.
        post_migrate.connect(sync_after_migrate, dispatch_uid="accounts.sync_roles")
