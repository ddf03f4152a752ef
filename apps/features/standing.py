"""How a feature stands: what is live, what differs in the draft, who gets a candidate, what is planned."""

from dataclasses import dataclass

from apps.core.publishing import services as publishing
from apps.core.publishing.models import Head, Plan
from apps.core.publishing.services import Preview
from apps.core.publishing.services.plans import OPEN
from apps.features.models import Feature
from apps.features.publishing import SCOPE
from apps.features.rollout import Rollout, rollout_of


@dataclass(frozen=True)
class Standing:
    """For the badge at the head of every page of a feature, and for the page where it is released."""

    head: Head | None
    preview: Preview
    rollout: Rollout
    plans: list[Plan]

    @property
    def live(self) -> int:
        """The version for everybody; 0: none."""
        return self.head.version if self.head else 0

    @property
    def is_new(self) -> bool:
        """Whether nobody gets any version."""
        return not self.live and not self.rollout.running

    @property
    def has_changed(self) -> bool:
        """Whether the draft would be something new for everybody."""
        return not self.live or bool(self.preview.changes)

    @property
    def is_candidate(self) -> bool:
        """Whether the draft is just what the gradual release serves."""
        candidate = self.head.candidate if self.head else None
        return candidate is not None and candidate.sha256 == self.preview.sha256


def standing(feature: Feature) -> Standing:
    """Collects and checks the draft: for pages of one feature, not for lists."""
    head = publishing.head_of(SCOPE, feature.key)
    plans = [plan for plan in publishing.plans_of(SCOPE, feature.key) if plan.status in OPEN]
    return Standing(head, publishing.preview(SCOPE, feature.key), rollout_of(head), plans)
