"""Every route of the management API of features."""

from apps.features.api import drafts, gallery, plans, preview, release, rollout, usage

# Words before keys: `features/publish` is no feature called "publish".
urlpatterns = [
    *release.urlpatterns,
    *rollout.urlpatterns,
    *plans.urlpatterns,
    *preview.urlpatterns,
    *usage.urlpatterns,
    *gallery.urlpatterns,
    *drafts.urlpatterns,
]
