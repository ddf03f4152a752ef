"""What models were asked and what it cost."""

from apps.providers.usage.records import UsageRecord, record

__all__ = ["UsageRecord", "record"]
