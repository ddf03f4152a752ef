"""Every route of the management API of features."""

from apps.features.api import drafts, plans, preview, release, rollout, usage

# Words before keys: `features/publish` is no feature called "publish".
urlpatterns = [
    *release.urlpatterns,
    *rollout.urlpatterns,
    *plans.urlpatterns,
    *preview.urlpatterns,
    *usage.urlpatterns,
    *drafts.urlpatterns,
]
