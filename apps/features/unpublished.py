"""Which drafts differ from what is live: found without collecting every one of them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Max

from apps.core.publishing.canonical import sha256_of
from apps.core.publishing.models import Head
from apps.features.closure import collect
from apps.features.models import Feature
from apps.pipelines.models import Pipeline
from apps.prompts.models import Prompt

LOOKED_AT = 12  # drafts that are collected for one page; the others are told as "perhaps"


def unpublished(features: Iterable[Feature], heads: dict[str, Head]) -> dict[str, bool]:
    """The live features whose draft was saved after the release: True where it differs, False where it only may.

    Says nothing of parts without a history of their own, such as the words of a menu group: the release page does.

    Costs a fixed number of queries and, for at most `LOOKED_AT` drafts, what collecting them costs.
    """
    prompts, pipelines = _saved_last(Prompt), _saved_last(Pipeline)
    touched = [
        feature
        for feature in features
        if (head := heads.get(feature.key)) and head.snapshot and _touched(feature, head, prompts, pipelines)
    ]
    found = {feature.key: True for feature in touched[:LOOKED_AT] if _differs(feature, heads[feature.key])}
    return found | {feature.key: False for feature in touched[LOOKED_AT:]}


def _saved_last(model: Any) -> dict[str, datetime]:
    """When each row was last saved, by its key."""
    return dict(model.history.values_list("key").annotate(at=Max("history_date")).order_by())


def _touched(feature: Feature, head: Head, prompts: dict[str, datetime], pipelines: dict[str, datetime]) -> bool:
    """Whether the draft or a part of it was saved after the live version was made, or that came from further back."""
    if head.snapshot is None or head.snapshot.restored_from:
        return head.snapshot is not None
    made = head.snapshot.created_at
    parts = [prompts.get(key) for key in head.snapshot.payload.get("prompts", {})]
    times = [feature.updated_at, pipelines.get(feature.pipeline.key), *parts]
    return any(at is not None and at > made for at in times)


def _differs(feature: Feature, head: Head) -> bool:
    return head.snapshot is not None and sha256_of(collect(feature)) != head.snapshot.sha256
