"""One call of a run to the outside, as whoever answers in its place sees it."""

from apps.pipelines.engine.outside import directly
from apps.pipelines.engine.ports import Call, Do, Through

__all__ = ["Call", "Do", "Through", "directly"]
