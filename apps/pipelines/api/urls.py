"""Every route of the management API of pipelines, below `/api/v1/admin/`."""

from apps.pipelines.api import cases, drafts, history, judging

# Words before keys: `pipelines/validate` is no pipeline called "validate".
urlpatterns = [
    *judging.urlpatterns,
    *cases.urlpatterns,
    *history.urlpatterns,
    *drafts.urlpatterns,
]
