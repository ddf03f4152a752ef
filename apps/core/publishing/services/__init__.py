"""Release, roll back, compare; release to some first; plan a release, and have a second person approve it.

Every write is one transaction that ends in one row of the log of releases; the bell rings after commit.
"""

from apps.core.publishing.services.plans import (
    approve_plan,
    cancel_plan,
    open_plans,
    plan_of,
    plan_release,
    plans_of,
    reject_plan,
    run_due_plans,
)
from apps.core.publishing.services.reading import (
    Preview,
    diff_versions,
    head_of,
    live_snapshot,
    live_versions,
    preview,
    releases,
    snapshot_of,
    versions,
)
from apps.core.publishing.services.releasing import publish, release, rollback, withdraw
from apps.core.publishing.services.rollouts import (
    change_rollout,
    promote_rollout,
    start_rollout,
    stop_failing_rollouts,
    stop_rollout,
)

__all__ = [
    "Preview",
    "approve_plan",
    "cancel_plan",
    "change_rollout",
    "diff_versions",
    "head_of",
    "live_snapshot",
    "live_versions",
    "open_plans",
    "plan_of",
    "plan_release",
    "plans_of",
    "preview",
    "promote_rollout",
    "publish",
    "reject_plan",
    "release",
    "releases",
    "rollback",
    "run_due_plans",
    "snapshot_of",
    "start_rollout",
    "stop_failing_rollouts",
    "stop_rollout",
    "versions",
    "withdraw",
]
