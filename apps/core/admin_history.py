"""History pages that keep to the rights: to read a row is to read its history, to change it is to bring one back."""

from typing import Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from simple_history.admin import SimpleHistoryAdmin

from apps.core.history_words import ChangeWords


class HistoryAdmin(SimpleHistoryAdmin):
    """The package itself lets anybody who may look at a version also post it, which writes it over the row."""

    revertible = True  # False: the history is there to read, for everybody

    def get_historical_record_context_helper(self, request: HttpRequest, historical_record: Any) -> ChangeWords:
        return ChangeWords(self.model, historical_record)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        self._check(request, object_id)
        return super().history_view(request, object_id, extra_context)

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: Any = None
    ) -> Any:
        row = self._check(request, object_id)
        if not _is_number(version_id):
            raise Http404
        if request.method != "GET" and (self.revert_disabled(request, row) or row is None):
            raise PermissionDenied
        return super().history_form_view(request, object_id, version_id, extra_context)

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        """Also decides whether the page shows its button."""
        return not self.revertible or not self.has_change_permission(request, obj)

    def _check(self, request: HttpRequest, object_id: str) -> Any:
        """The row, or None when it was deleted; then only a right on all rows opens its history.

        Raises `PermissionDenied`, or `Http404` for a row that this person may not know of.
        """
        key = unquote(object_id)
        if not _is_number(key):
            raise Http404
        row = self.get_object(request, key)
        if row is not None:
            if not self.has_view_or_change_permission(request, row):
                raise PermissionDenied
        elif self.model._base_manager.filter(pk=key).exists():
            raise Http404
        elif not self._sees_all(request):
            raise PermissionDenied
        return row

    def _sees_all(self, request: HttpRequest) -> bool:
        meta = self.model._meta
        names = (f"{meta.app_label}.{verb}_{meta.model_name}" for verb in ("view", "change"))
        return any(request.user.has_perm(name) for name in names)


def _is_number(text: str) -> bool:
    """Whether a database can look for it: the package would hand it on unseen."""
    return text.isascii() and text.isdigit() and len(text) < 19
