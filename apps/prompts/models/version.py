"""What a prompt was: numbered versions that never change, and names that stand for one of them."""

from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from apps.prompts.models.prompt import Prompt

# Begins with a letter: `key@3` is a number, `key@production` a label.
label_validator = RegexValidator(
    r"^[a-z][a-z0-9_-]{0,39}\Z", _("A label is small letters, digits, “-” and “_”, and begins with a letter.")
)


class PromptVersion(models.Model):
    """One row is what a prompt was when somebody saved it, or when a feature with it was published. Append-only."""

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(_("number"))
    system = models.TextField(_("system text"), blank=True)
    body = models.TextField(_("user text"))
    variables = models.JSONField(_("variables"), default=list)
    sha256 = models.CharField(max_length=64)
    note = models.CharField(_("note"), max_length=500, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    restored_from = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(_("saved"), auto_now_add=True)

    class Meta:
        verbose_name = _("version of a prompt")
        verbose_name_plural = _("versions of prompts")
        constraints = [models.UniqueConstraint(fields=["prompt", "number"], name="prompt_version_once")]
        # Whether a released text has its number already is asked at every release.
        indexes = [models.Index(fields=["prompt", "sha256"], name="prompt_version_content")]
        ordering = ["prompt", "-number"]

    def __str__(self) -> str:
        return f"{self.prompt.key}@{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk:
            raise TypeError("a version is append-only")
        super().save(*args, **kwargs)

    @property
    def content(self) -> dict[str, Any]:
        """The texts and variables, as the draft has them."""
        return {"system": self.system, "body": self.body, "variables": self.variables}

    def as_released(self) -> dict[str, Any]:
        """What a run needs of this version, and which it is."""
        return {**self.content, "key": self.prompt.key, "version": self.number}


class PromptLabel(models.Model):
    """One row is a name for one version of one prompt, such as `production`; it can be moved to another version."""

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="labels")
    name = models.CharField(_("label"), max_length=40, validators=[label_validator])
    version = models.ForeignKey(PromptVersion, on_delete=models.CASCADE, related_name="labels")
    moved_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords(cascade_delete_history=False)

    class Meta:
        verbose_name = _("label of a prompt")
        verbose_name_plural = _("labels of prompts")
        constraints = [models.UniqueConstraint(fields=["prompt", "name"], name="prompt_label_once")]
        ordering = ["prompt", "name"]

    def __str__(self) -> str:
        return f"{self.prompt.key}@{self.name}"
