"""What was changed on an endpoint since somebody read it."""

from typing import Any

from apps.providers.models import Endpoint

MOST_EDITS = 20
SHOWN = (
    "key", "name", "kind", "handler_key", "base_url", "priority", "weight", "timeout_seconds", "first_byte_seconds",
    "max_retries", "max_concurrency", "rpm", "tpm", "enabled",
)  # fmt: skip


def meanwhile(endpoint: Endpoint, revision: int) -> dict[str, Any]:
    """`changes` of fields between `revision` and now, and `edits`: who saved when, newest first.

    A key or a list of models that was changed shows as an edit without a changed field.
    """
    versions = list(endpoint.history.filter(revision__gte=revision).select_related("history_user")[: MOST_EDITS + 1])
    seen = next((version for version in versions if version.revision == revision), None)
    changes = [
        {"field": field, "from": getattr(seen, field), "to": getattr(endpoint, field)}
        for field in SHOWN
        if seen is not None and getattr(seen, field) != getattr(endpoint, field)
    ]
    edits = [
        {"by": str(version.history_user or ""), "at": version.history_date.isoformat(), "revision": version.revision}
        for version in versions
        if version.revision > revision
    ]
    return {"changes": changes, "edits": edits}
