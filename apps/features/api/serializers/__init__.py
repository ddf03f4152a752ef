"""What the management API of features takes and tells."""

from apps.features.api.serializers.draft import FeatureListSerializer, FeatureSerializer, NewFeatureSerializer
from apps.features.api.serializers.plan import NewPlanSerializer, PlanListSerializer, PlanSerializer
from apps.features.api.serializers.release import (
    NoteSerializer,
    PreviewSerializer,
    ProblemSerializer,
    PropagationSerializer,
    PublishSerializer,
    ReasonSerializer,
    ReleasedSerializer,
    ReleaseListSerializer,
    ReleaseSerializer,
    RollbackSerializer,
    SeenSerializer,
    WithdrawnSerializer,
)
from apps.features.api.serializers.rollout import (
    AudienceSerializer,
    ChangeRolloutSerializer,
    OutcomeSerializer,
    PromoteSerializer,
    RolloutSerializer,
    StartRolloutSerializer,
)
from apps.features.api.serializers.version import (
    ChangeSerializer,
    ChangesSerializer,
    DifferenceSerializer,
    SnapshotListSerializer,
    SnapshotSerializer,
    VersionSerializer,
)

__all__ = [
    "AudienceSerializer",
    "ChangeRolloutSerializer",
    "ChangeSerializer",
    "ChangesSerializer",
    "DifferenceSerializer",
    "FeatureListSerializer",
    "FeatureSerializer",
    "NewFeatureSerializer",
    "NewPlanSerializer",
    "NoteSerializer",
    "OutcomeSerializer",
    "PlanListSerializer",
    "PlanSerializer",
    "PreviewSerializer",
    "ProblemSerializer",
    "PromoteSerializer",
    "PropagationSerializer",
    "PublishSerializer",
    "ReasonSerializer",
    "ReleaseListSerializer",
    "ReleaseSerializer",
    "ReleasedSerializer",
    "RollbackSerializer",
    "RolloutSerializer",
    "SeenSerializer",
    "SnapshotListSerializer",
    "SnapshotSerializer",
    "StartRolloutSerializer",
    "VersionSerializer",
    "WithdrawnSerializer",
]
