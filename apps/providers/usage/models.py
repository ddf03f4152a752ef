"""Usage in the database: a row for each call, kept for a while, and sums by day, kept for good."""

from django.db import models
from django.utils.translation import gettext_lazy as _

# Upper edges in milliseconds; the last bucket has none. A percentile is read off between two edges.
LATENCY_EDGES = (100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000)
BUCKETS = len(LATENCY_EDGES) + 1


class UsageRow(models.Model):
    """One row is one call to a model. Users and keys are plain numbers: the row outlives them; 0 is nobody."""

    number = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField(db_index=True)
    request_id = models.CharField(max_length=64)
    operation = models.CharField(max_length=16)
    user_id = models.BigIntegerField(default=0)
    key_id = models.BigIntegerField(default=0)
    feature = models.CharField(max_length=64, blank=True)
    step = models.CharField(max_length=160, blank=True)
    endpoint = models.CharField(max_length=64, blank=True)
    model = models.CharField(max_length=120, blank=True)
    stream = models.BooleanField(default=False)
    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cached_tokens = models.BigIntegerField(default=0)
    estimated = models.BooleanField(default=False)
    cost = models.BigIntegerField(null=True)  # micro-credits; None where a price is unknown
    first_ms = models.FloatField(null=True)
    total_ms = models.FloatField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    degraded = models.BooleanField(default=False)
    status = models.CharField(max_length=32)

    class Meta:
        verbose_name = _("model call")
        verbose_name_plural = _("model calls")

    def __str__(self) -> str:
        return f"{self.request_id}: {self.model}"


class UsageDay(models.Model):
    """One row sums the calls of one day (UTC) that share user, key, feature, endpoint, model and operation.

    `slot` is the hash of these seven: collations of some databases take "GPT" and "gpt" for the same.
    """

    slot = models.CharField(max_length=64, unique=True)
    day = models.DateField()
    user_id = models.BigIntegerField(default=0)
    key_id = models.BigIntegerField(default=0)
    feature = models.CharField(max_length=64, blank=True)
    endpoint = models.CharField(max_length=64, blank=True)
    model = models.CharField(max_length=120, blank=True)
    operation = models.CharField(max_length=16)
    calls = models.BigIntegerField(default=0)
    errors = models.BigIntegerField(default=0)
    cut = models.BigIntegerField(default=0)
    estimated = models.BigIntegerField(default=0)
    unpriced = models.BigIntegerField(default=0)  # calls whose cost nobody knows; they are not in `cost`
    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cached_tokens = models.BigIntegerField(default=0)
    cost = models.BigIntegerField(default=0)
    total_ms = models.BigIntegerField(default=0)
    latency_0 = models.BigIntegerField(default=0)
    latency_1 = models.BigIntegerField(default=0)
    latency_2 = models.BigIntegerField(default=0)
    latency_3 = models.BigIntegerField(default=0)
    latency_4 = models.BigIntegerField(default=0)
    latency_5 = models.BigIntegerField(default=0)
    latency_6 = models.BigIntegerField(default=0)
    latency_7 = models.BigIntegerField(default=0)
    latency_8 = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("usage")
        verbose_name_plural = _("usage")
        indexes = [
            # A budget asks for the days of one holder; the page asks for the days of all.
            models.Index(fields=["user_id", "day"], name="usage_of_user"),
            models.Index(fields=["key_id", "day"], name="usage_of_key"),
            models.Index(fields=["day"], name="usage_by_day"),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.model}"
