"""Saving a prompt on its page counts as a change, as it does through the API."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import redirect

from apps.core.errors import StaleRevision
from apps.prompts.models import Prompt
from apps.prompts.services import claim_revision


class PromptSaving:
    """Stands before `ModelAdmin`: each save claims the revision that its form has seen; others are told."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            key = Prompt.objects.values_list("key", flat=True).get(pk=obj.pk)  # the form may hold a new one
            claimed = claim_revision(key, form.cleaned_data["seen_revision"])
            # A version that was saved since the row was read has counted on.
            obj.revision, obj.last_version = claimed.revision, claimed.last_version
        super().save_model(request, obj, form, change)  # type: ignore[misc]  # ModelAdmin's

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Two people who save at the same instant: one is saved, the other is told."""
        try:
            return super().changeform_view(request, *args, **kwargs)  # type: ignore[misc]  # ModelAdmin's
        except StaleRevision as exc:
            self.message_user(request, exc.text(), messages.ERROR)  # type: ignore[attr-defined]  # ModelAdmin's
            return redirect(request.path)
