"""Work that must not be lost: a row in the transaction of what it belongs to."""

from django.db import models


class OutboxMessage(models.Model):
    """One row is one job to be handed to the broker; it is deleted when the broker has it."""

    job = models.CharField(max_length=100)
    args = models.JSONField(default=list)
    queue = models.CharField(max_length=40, default="pipelines")
    request_id = models.CharField(max_length=64, blank=True)
    due_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.job}({self.args})"
