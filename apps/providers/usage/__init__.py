"""What models were asked and what it cost."""

from apps.providers.usage.records import UsageRecord
from apps.providers.usage.writer import record

__all__ = ["UsageRecord", "record"]
