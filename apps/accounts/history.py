"""Who changed whose rights, and when: history rows of people's rights, of groups and of grants on single rows."""

from typing import Any

from simple_history.models import HistoricalRecords

# What a right hangs on. Names, addresses and passwords stay out of the history.
AUDITED = frozenset({"username", "is_active", "is_staff", "is_superuser", "must_change_password"})
NOT_AUDITED = ["password", "last_login", "first_name", "last_name", "email", "phone", "date_joined", "token_epoch"]

# The rows outlive what they are about, and whoever wrote them: somebody may delete the own account.
KEPT: dict[str, Any] = {"cascade_delete_history": False, "user_db_constraint": False}


class RightsHistory(HistoricalRecords):
    """Also notes a membership that was changed from the group's side (`group.user_set.add(user)`)."""

    def m2m_changed(self, instance: Any, action: str, attr: str, pk_set: Any, reverse: bool, **kwargs: Any) -> None:
        if not reverse:
            super().m2m_changed(instance, action, attr, pk_set, reverse, **kwargs)
        elif action == "pre_clear":
            members = kwargs["model"].objects.filter(**{attr: instance})
            instance._members_before = set(members.values_list("pk", flat=True))
        elif action in ("post_add", "post_remove", "post_clear"):
            changed = pk_set if pk_set is not None else instance.__dict__.pop("_members_before", set())
            for row in kwargs["model"].objects.filter(pk__in=changed):
                self.create_historical_record(row, "~")
